"""What programs do with poplib besides calling its commands."""

from __future__ import annotations

import inspect
import io
import os
import poplib
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import poplib_rs
import pytest

from conftest import StartSandbox
from memory import Socket, client

MODULES = [poplib, poplib_rs]
BODY = [b"+OK\r\n", b"one\r\n..two\r\n", b".\r\n"]


def connected(*answers: list[bytes | BaseException]) -> tuple[Any, Socket]:
    sock = Socket([b"+OK <a@b>\r\n"], answers)
    return client(poplib_rs, sock), sock


@pytest.mark.parametrize("name", ["POP3", "POP3_SSL"])
def test_signatures_are_those_of_this_interpreter(name: str) -> None:
    theirs, ours = getattr(poplib, name), getattr(poplib_rs, name)
    methods = [n for n, value in vars(theirs).items() if inspect.isfunction(value)]
    assert len(methods) >= 3
    for method in methods:
        assert parameters(getattr(ours, method)) == parameters(getattr(theirs, method)), method


def parameters(function: Callable[..., Any]) -> list[tuple[str, Any, Any]]:
    every = inspect.signature(function).parameters.values()
    return [(one.name, one.kind, one.default) for one in every]


def test_the_module_has_what_poplib_has() -> None:
    for name, value in vars(poplib).items():
        if not name.startswith("__"):
            assert hasattr(poplib_rs, name), name
            if isinstance(value, (int, bytes)):
                assert getattr(poplib_rs, name) == value, name
    assert set(poplib.__all__) <= set(poplib_rs.__all__)
    assert poplib_rs.POP3.timestamp.pattern == poplib.POP3.timestamp.pattern
    assert poplib_rs.POP3.encoding == poplib.POP3.encoding


def test_instances_have_the_same_attributes() -> None:
    ours, theirs = (client(m, Socket([b"+OK\r\n"], [])) for m in (poplib_rs, poplib))
    assert set(vars(ours)) == set(vars(theirs))
    assert type(ours.file) is type(theirs.file) is io.BufferedReader


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("name", ["_putline", "_putcmd", "_getline", "_getresp", "_getlongresp"])
def test_overridden_methods_are_used(module: Any, name: str) -> None:
    calls = []
    instance = client(module, Socket([b"+OK\r\n"], [BODY]))
    original = getattr(instance, name)
    setattr(instance, name, lambda *given: calls.append(given) or original(*given))
    assert instance.retr(1)[1:] == ([b"one", b".two"], 11)
    assert len(calls) == (4 if name == "_getline" else 1)


def test_a_class_patched_from_outside_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    pop, _ = connected(BODY)
    original, calls = poplib_rs.POP3._getline, []
    monkeypatch.setattr(poplib_rs.POP3, "_getline", lambda self: calls.append(1) or original(self))
    pop.retr(1)
    assert len(calls) == 4


def test_octets_beyond_an_answer_stay_in_file() -> None:
    pop, _ = connected([b"".join(BODY) + b"+OK 1\r\n", b"+OK 2\r\n"], [b"".join(BODY) + b"x\n"])
    pop.retr(1)
    assert type(pop.file) is io.BufferedReader
    assert pop.file.readline() == b"+OK 1\r\n"
    assert pop._getresp() == b"+OK 2"
    pop.retr(1)
    assert pop.file.read() == b"x\n"
    file = pop.file
    pop.close()
    assert file.closed


def test_control_characters_are_not_sent() -> None:
    pop, sock = connected()
    for character in [*map(chr, range(32)), "\x7f"]:
        with pytest.raises(ValueError, match="^Control characters not allowed in commands$"):
            pop.user(f"me{character}")
    assert sock.sent == []


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"+OK\r\n", "Invalid STAT response format"),
        (b"+OK 1\r\n", "Invalid STAT response format"),
        (b"+OK one 2\r\n", "Invalid STAT response data: non-numeric values"),
        (b"+OK 1 x\r\n", "Invalid STAT response data: non-numeric values"),
    ],
)
def test_a_malformed_stat_is_a_protocol_error(answer: bytes, text: str) -> None:
    pop, _ = connected([answer])
    with pytest.raises(poplib_rs.error_proto) as caught:
        pop.stat()
    assert caught.value.args == (text,)


def test_quit_refused_leaves_the_connection_open() -> None:
    pop, sock = connected([b"-ERR not all deleted\r\n"])
    with pytest.raises(poplib_rs.error_proto):
        pop.quit()
    assert pop.sock is sock
    pop.close()
    pop.close()
    assert sock.events == ["shutdown 2", "close"]


def test_a08_a_megabyte_of_brackets_is_no_timestamp() -> None:
    pop, _ = connected()
    pop.welcome = b"+OK " + b"<" * 1_000_000
    begun = time.process_time()
    with pytest.raises(poplib_rs.error_proto):
        pop.apop("me", "secret")
    assert time.process_time() - begun < 1


def test_codes_of_refusals_are_typed() -> None:
    def code(argument: object) -> poplib_rs.ResponseCode | None:
        return poplib_rs.error_proto(argument).code

    in_use = code(b"-ERR [in-use] locked")
    assert in_use == "in-use"
    assert in_use is not None and in_use.kind is poplib_rs.CodeKind.IN_USE and in_use.is_retryable
    wrong = code(b"-ERR [AUTH] wrong")
    assert wrong is not None and wrong.kind is poplib_rs.CodeKind.AUTH and not wrong.is_retryable
    other = code(b"-ERR [X-NEW] what")
    assert other is not None and other.kind is poplib_rs.CodeKind.OTHER
    for argument in (b"-ERR no", b"garbage", "-ERR [AUTH] text", None):
        assert code(argument) is None
    assert poplib_rs.error_proto().code is None


def serve(*conversations: Callable[[socket.socket], None]) -> int:
    """A server that holds these conversations one after the other; its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        with listener:
            for converse in conversations:
                peer, _ = listener.accept()
                with peer:
                    peer.sendall(b"+OK\r\n")
                    converse(peer)

    threading.Thread(target=run, daemon=True).start()
    return int(listener.getsockname()[1])


@pytest.mark.parametrize("module", MODULES)
def test_an_interrupt_in_the_middle_of_retr(module: Any) -> None:
    interrupted = threading.Event()

    def converse(peer: socket.socket) -> None:
        peer.recv(100)
        peer.sendall(b"+OK\r\none\r\ntwo\r\nthr")
        # SIGALRM comes only once the client has all of that, or has nothing else to wait for.
        interrupted.wait(30)
        peer.sendall(b"ee\r\n.\r\n")
        peer.recv(100)
        peer.sendall(b"+OK late\r\n")
        peer.recv(100)

    def alarm(*_: object) -> None:
        raise KeyboardInterrupt

    pop = module.POP3("127.0.0.1", serve(converse), timeout=30)
    previous = signal.signal(signal.SIGALRM, alarm)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with pytest.raises(KeyboardInterrupt):
            pop.retr(1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    interrupted.set()
    # What had come is lost, and the rest is taken for the answer to what is asked next.
    with pytest.raises(module.error_proto) as caught:
        pop.noop()
    assert caught.value.args == (b"ee",)
    with pytest.raises(module.error_proto):
        pop._getresp()
    assert pop._getresp() == b"+OK late"
    pop.close()


@pytest.mark.parametrize("module", MODULES)
def test_a_timeout_in_the_middle_of_retr(module: Any) -> None:
    def converse(peer: socket.socket) -> None:
        peer.recv(100)
        peer.sendall(b"+OK\r\none\r\n")
        peer.recv(100)

    pop = module.POP3("127.0.0.1", serve(converse), timeout=0.2)
    with pytest.raises(TimeoutError):
        pop.retr(1)
    with pytest.raises(OSError, match="cannot read from timed out object"):
        pop.noop()
    pop.close()


@pytest.mark.parametrize("module", MODULES)
def test_a_socket_closed_by_somebody_else(module: Any) -> None:
    def converse(peer: socket.socket) -> None:
        while peer.recv(100):
            peer.sendall(b"+OK\r\n.\r\n")

    pop = module.POP3("127.0.0.1", serve(converse), timeout=30)
    pop.sock.close()
    assert pop.retr(1) == (b"+OK", [], 0), "the file keeps the socket open"
    pop.file.close()
    for call in (pop.noop, pop.close):
        with pytest.raises(OSError, match="Bad file descriptor"):
            call()
    assert pop.sock is None
    with pytest.raises(AttributeError):
        pop.noop()


def test_a01_octets_before_tls_are_an_error() -> None:
    def converse(peer: socket.socket) -> None:
        peer.recv(100)
        peer.sendall(b"+OK\r\nSTLS\r\n.\r\n")
        peer.recv(100)
        peer.sendall(b"+OK begin\r\n+OK injected\r\n")
        peer.recv(100)

    pop = poplib_rs.POP3("127.0.0.1", serve(converse), timeout=30)
    with pytest.raises(poplib_rs.error_proto, match="before TLS"):
        pop.stls()
    assert pop.sock is None


def test_the_module_prints_a_mailbox(sandbox: StartSandbox) -> None:
    server = sandbox()
    # The port is a constant of the module, so that it takes a word to change it.
    program = (
        "import sys, runpy, poplib_rs; "
        f"poplib_rs.POP3.__init__.__defaults__ = ({server.plain_port}, 30); "
        "sys.argv = ['poplib_rs', '127.0.0.1', 'alice', 'secret']; "
        "runpy.run_module('poplib_rs', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env={
        **os.environ, "PYTHONIOENCODING": "utf-8"})
    assert done.returncode == 0, done.stderr
    assert "Message 1:\n   From: Sender <sender@example.org>" in done.stdout
    assert "Grüße" in done.stdout
    assert done.stdout.count("-----------------------") == 3
