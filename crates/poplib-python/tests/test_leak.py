"""A hundred thousand calls must leave nothing behind."""

from __future__ import annotations

import ctypes
import functools
import gc
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import poplib_rs
import pytest

from memory import Socket, client
from test_differential import tls_contexts

CALLS = 100_000
LINES = b"a line of text\r\n" * 20
BODY = b"+OK\r\n" + LINES + b"..\r\n.\r\n"
# Enough for the scan to give the interpreter's lock away.
LARGE = b"+OK\r\n" + LINES * 40 + b".\r\n"
OK = b"+OK\r\n"
REFUSAL = b"-ERR [IN-USE] no\r\n"
TOO_LONG = b"x" * 3000 + b"\r\n.\r\n"


def answers() -> Iterator[list[bytes | BaseException]]:
    while True:
        yield [BODY]
        yield [OK]
        yield [REFUSAL]
        yield [BODY]
        yield [OK, TOO_LONG]


def test_calls_leave_nothing_behind() -> None:
    sock = Socket([OK], answers())
    pop = client(poplib_rs, sock)
    before = Memory()
    for call in range(CALLS // 5):
        five_calls(pop)
        sock.sent.clear()
        if call == CALLS // 50:
            before = Memory()
    assert_nothing_is_left(before, CALLS)


@pytest.mark.parametrize(
    ("tls", "calls"), [(False, CALLS), (True, CALLS // 5)], ids=["plain", "tls"]
)
def test_calls_over_a_socket_leave_nothing_behind(
    tls: bool, calls: int, tmp_path: Path
) -> None:
    """Over Python's own socket, which poplib_rs reads past its file. The server has answered
    before it is asked: nothing is waited for."""
    pop, peer = connected(tmp_path if tls else None)
    # Every so often one is large, to be looked through without the interpreter's lock.
    usual = BODY + OK + REFUSAL + BODY + OK + TOO_LONG
    large = LARGE + usual.removeprefix(BODY)
    before = Memory()
    for call in range(calls // 5):
        peer.sendall(usual if call % 50 else large)
        five_calls(pop)
        commands = 0
        while commands < 5:
            commands += peer.recv(1000).count(b"\r\n")
        if call == calls // 50:
            before = Memory()
    assert_nothing_is_left(before, calls)
    pop.close()
    peer.close()


def five_calls(pop: Any) -> None:
    pop.retr(1)
    pop.noop()
    try:
        pop.dele(1)
    except poplib_rs.error_proto as error:
        assert error.code == "IN-USE"
    pop.retr_bytes(1)
    try:
        pop.retr(1)
    except poplib_rs.error_proto:
        pop.file.readline()
        pop.file.readline()


class Memory:
    """What Python's objects take, in blocks, and all else, in octets as far as that is known."""

    def __init__(self) -> None:
        gc.collect()
        self.blocks = sys.getallocatedblocks()
        self.octets = allocated()


def assert_nothing_is_left(before: Memory, calls: int) -> None:
    now = Memory()
    assert abs(now.blocks - before.blocks) < 200
    # An octet a call would be more.
    assert now.octets - before.octets < calls // 2


class _Mallinfo(ctypes.Structure):
    """mallinfo2(3)."""

    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]


def allocated() -> int:
    """Octets that are allocated from the C library, or 0 where it does not tell."""
    try:
        mallinfo2 = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError, TypeError):
        return 0
    mallinfo2.restype = _Mallinfo
    told = mallinfo2()
    return int(told.uordblks + told.hblkhd)


def connected(place: Path | None) -> tuple[Any, Any]:
    """A client and the server's end of its socket, under TLS if there is a place for its key."""
    ours: socket.socket
    ours, peer = socket.socketpair()
    if place is not None:
        serving, using = tls_contexts(place)
        protected: list[socket.socket] = []
        accept = functools.partial(serving.wrap_socket, peer, server_side=True)
        accepting = threading.Thread(target=lambda: protected.append(accept()))
        accepting.start()
        ours = using.wrap_socket(ours, server_hostname="localhost")
        accepting.join()
        [peer] = protected

    class Client(poplib_rs.POP3):
        def _create_socket(self, timeout: object) -> socket.socket:
            return ours

    peer.sendall(OK)
    return Client("server"), peer
