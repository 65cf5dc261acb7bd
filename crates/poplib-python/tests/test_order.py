"""Every octet in order, whatever is called behind what (E22).

Commands are pipelined by hand, answers read by methods that begin with an underscore, by those that do
not and by the file itself; poplib, which reads one line after the other, says what each must come to.

    POPLIB_ORDER_SEEDS=0..10000 crates/poplib-python/check tests/test_order.py
"""

from __future__ import annotations

import contextlib
import io
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import poplib_rs
import pytest

from order_story import USUAL_MAXLINE, Step, Story, attempt, connected
from test_differential import Contexts, tls_contexts

ORDINARY = "0..240"
BLOCKS = 8
# Python's own until 3.13, Python's own from 3.14 on, and one that is always too small.
BUFFERS = [8 * 1024, 128 * 1024, 512]


class Foreign(socket.socket):
    """A socket that is not quite Python's own, so that it must not be read past its methods."""

    def recv_into(self, *given: Any) -> int:
        return super().recv_into(*given)


class Stranger:
    """Something with the methods that poplib needs of a socket, and no more."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def makefile(self, mode: str) -> Any:
        return self.sock.makefile("rb")

    def sendall(self, octets: bytes) -> None:
        self.sock.sendall(octets)


class Connection:
    """A client's socket, and a server that says what it is told."""

    def __init__(self, kind: str, contexts: Contexts) -> None:
        raw, self.peer = socket.socketpair()
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.arrived = 0
        self.tls: ssl.SSLObject | None = None
        self.client: Any = raw
        if kind == "tls":
            self.client = self.protect(raw, contexts)
        elif kind == "foreign":
            self.client = Foreign(raw.family, raw.type, raw.proto, raw.detach())
        elif kind == "stranger":
            self.client = Stranger(raw)
        raw = self.client.sock if kind == "stranger" else self.client
        raw.settimeout(30)
        self.peer.settimeout(30)
        self.raw = raw

    def protect(self, raw: socket.socket, contexts: Contexts) -> ssl.SSLSocket:
        """A handshake, a step of each side after the other."""
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = contexts[0].wrap_bio(self.incoming, self.outgoing, server_side=True)
        raw.setblocking(False)
        client = contexts[1].wrap_socket(
            raw, server_hostname="localhost", do_handshake_on_connect=False
        )
        done = [False, False]
        while not all(done):
            for side, handshake in enumerate((client.do_handshake, self.server_handshake)):
                with contextlib.suppress(ssl.SSLWantReadError):
                    handshake()
                    done[side] = True
        return client

    def server_handshake(self) -> None:
        assert self.tls is not None
        with contextlib.suppress(BlockingIOError):
            self.incoming.write(self.peer.recv(65536, socket.MSG_DONTWAIT))
        try:
            self.tls.do_handshake()
        finally:
            self.peer.sendall(self.outgoing.read())

    def say(self, octets: bytes) -> None:
        """Sends it. All of it is there before the client reads."""
        self.arrived += len(octets)
        if self.tls:
            for begin in range(0, len(octets), 16384):
                self.tls.write(octets[begin : begin + 16384])
            octets = self.outgoing.read()
        self.peer.sendall(octets)

    def hear(self) -> bytes:
        """What the client has sent since."""
        octets = self.peer.recv(65536)
        if self.tls:
            self.incoming.write(octets)
            octets = b""
            with contextlib.suppress(ssl.SSLWantReadError):
                while True:
                    octets += self.tls.read(65536)
        return octets

    @contextlib.contextmanager
    def answering(self, answers: list[bytes], unheard: int) -> Iterator[None]:
        """Answers each further command with the next of these."""

        def answer() -> None:
            # What was sent before has its answers.
            skipped = -unheard
            for octets in answers:
                while skipped <= 0:
                    skipped += self.hear().count(b"\n")
                skipped -= 1
                self.say(octets)

        thread = threading.Thread(target=answer)
        if answers:
            thread.start()
        yield
        if answers:
            thread.join()

    def end(self) -> None:
        self.peer.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.raw.close()
        self.peer.close()


def check(story: Story, kind: str, contexts: Contexts) -> str | None:
    """Performs a story with poplib_rs; what differs, if something does."""
    connection = Connection(kind, contexts)
    poplib_rs._MAXLINE = USUAL_MAXLINE
    unheard = 0
    try:
        connection.say(b"+OK ready\r\n")
        client = connected(poplib_rs, connection.client)
        for index, step in enumerate(story.steps):
            connection.say(story.sent[connection.arrived : step.arrived])
            if step.name == "read_all":
                connection.end()
            with connection.answering(step.answers, unheard):
                outcome = attempt(poplib_rs, client, step.name, step.arguments)
            unheard = 0 if step.answers else unheard + commands(step)
            if not is_same(story, step, outcome):
                call = f"step {index}, {step.name}{step.arguments}"
                return f"{call}: {outcome!r:.300} instead of {step.outcome!r:.300}"
    finally:
        connection.close()
        poplib_rs._MAXLINE = USUAL_MAXLINE
    return None


def commands(step: Step) -> int:
    """How many a call sends."""
    sends_nothing = ("_get", "read", "peek", "watch", "_MAX", "set_")
    return not step.name.startswith(sends_nothing)


def is_same(story: Story, step: Step, outcome: Any) -> bool:
    if step.name == "peek":
        octets = outcome[1]
        return bool(octets) and story.sent.startswith(octets, step.begin)
    return bool(outcome == step.outcome)


def seeds(block: int) -> Iterator[int]:
    first, _, last = os.environ.get("POPLIB_ORDER_SEEDS", ORDINARY).partition("..")
    end = int(last) if last else int(first) + 1
    return iter(range(int(first) + block, end, BLOCKS))


@pytest.mark.parametrize("block", range(BLOCKS))
def test_e22_every_octet_is_in_order(
    block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contexts = tls_contexts(tmp_path)
    for seed in seeds(block):
        with contextlib.redirect_stdout(io.StringIO()):
            story = Story(seed)
            for kind in ("plain", "tls", ("foreign", "stranger")[seed % 2]):
                for size in BUFFERS[:2] if seed % 5 else BUFFERS[2:]:
                    monkeypatch.setattr(io, "DEFAULT_BUFFER_SIZE", size)
                    different = check(story, kind, contexts)
                    if different:
                        pytest.fail(f"seed {seed}, {kind}, a buffer of {size}: {different}", False)
