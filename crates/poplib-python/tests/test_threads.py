"""While one thread waits for a server, or looks through what it sent, others run.

Whether one did is counted, not timed. `sys.setswitchinterval` says how long a thread that runs
Python code may keep the interpreter's lock. A call of native code keeps it until it gives it away.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import io
import itertools
import operator
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

FOR_EVER = 1000.0
LARGE = b"+OK\r\n" + b"a line of text\r\n" * 40_000 + b".\r\n"
# Just below the least that is looked through without the lock.
SMALL = b"+OK\r\n" + b"a line of text\r\n" * 500 + b".\r\n"


@contextlib.contextmanager
def switching_after(seconds: float) -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_others_run_while_a_message_is_waited_for(tls: bool, tmp_path: Path) -> None:
    """The server is a thread that gets the lock only from a client that waits for it."""
    contexts = tls_contexts(tmp_path) if tls else None
    ours, theirs = socket.socketpair()
    asked: list[bytes] = []

    def serve() -> None:
        peer = contexts[0].wrap_socket(theirs, server_side=True) if contexts else theirs
        with peer:
            peer.sendall(b"+OK\r\n")
            asked.append(peer.recv(100))
            for begin in range(0, len(LARGE), 10_000):
                peer.sendall(LARGE[begin : begin + 10_000])
            peer.recv(1)

    class Client(poplib_rs.POP3):
        def _create_socket(self, timeout: object) -> Any:
            ours.settimeout(30)
            return contexts[1].wrap_socket(ours, server_hostname="localhost") if contexts else ours

    serving = threading.Thread(target=serve)
    with switching_after(FOR_EVER):
        serving.start()
        pop = Client("server")
        ask = functools.partial(poplib_rs._SHORTCUT.ask, pop, "RETR 1", 2048)
        answer = ask()
    pop.close()
    serving.join()
    assert answer is not None, "it was one call"
    assert answer[:1] == (b"+OK",) and len(answer[1]) == 40_000
    assert asked == [b"RETR 1\r\n"]


def turns_during(answer: bytes) -> int:
    """How often another thread counts during the call that reads the answer, from memory, where
    nothing is waited for and no Python code runs."""
    pop = client(poplib_rs, Socket([b"+OK\r\n"], []))
    pop.file = io.BufferedReader(io.BytesIO(answer))
    read = functools.partial(poplib_rs._SHORTCUT.read_answer, pop, 2048)
    count = itertools.count().__next__
    is_over = False

    def compete() -> None:
        while not is_over:
            count()

    competing = threading.Thread(target=compete)
    with switching_after(1e-6):
        competing.start()
        gc.disable()  # which might run somebody's Python code
        try:
            # The interpreter, which switches too, is not between these three.
            before, found, after = map(operator.call, (count, read, count))
        finally:
            gc.enable()
            is_over = True
            competing.join()
    assert len(found[1]) == answer.count(b"\n") - 2
    return int(after - before - 1)


def test_others_run_while_a_large_answer_is_looked_through() -> None:
    """It takes more than one attempt if the other thread gets no processor in all that time."""
    assert any(turns_during(LARGE) for _ in range(1000))


def test_a_small_answer_is_not_worth_a_switch() -> None:
    assert len(SMALL) < 8 * 1024 < len(LARGE)
    assert not any(turns_during(SMALL) for _ in range(100))
