"""A whole answer in one crossing; and that nobody can tell, whatever they have replaced."""

from __future__ import annotations

import poplib
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import poplib_rs
import pytest

from conftest import StartSandbox

BODY = b"+OK\r\none\r\n..two\r\n.\r\n"
MESSAGE = (b"+OK", [b"one", b".two"], 11)


class Pair:
    """A client, and the other end of its socket."""

    def __init__(self, module: Any = poplib_rs) -> None:
        ours, self.peer = socket.socketpair()
        ours.settimeout(30)

        class Client(module.POP3):  # type: ignore[misc]
            def _create_socket(self, timeout: object) -> socket.socket:
                return ours

        self.peer.sendall(b"+OK\r\n")
        self.pop = Client("server")


@pytest.fixture(params=["plain", "tls"])
def logged_in(request: pytest.FixtureRequest, sandbox: StartSandbox) -> Iterator[Any]:
    server = sandbox()
    if request.param == "tls":
        pop: Any = poplib_rs.POP3_SSL("localhost", server.tls_port, context=server.context)
    else:
        pop = poplib_rs.POP3("localhost", server.plain_port)
    pop.user("alice")
    pop.pass_("secret")
    yield pop
    pop.close()


def calls_of(work: Any) -> list[str]:
    """The functions in Python that are called meanwhile."""
    called: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            called.append(frame.f_code.co_name)

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return called[1:]


def test_a_message_takes_two_calls_in_python(logged_in: Any) -> None:
    logged_in.retr(1)
    for call in (lambda: logged_in.retr(1), lambda: logged_in.top(2, 1)):
        assert calls_of(call)[1:] == ["_longcmd"]


@pytest.mark.parametrize("method", ["sendall", "recv_into"])
def test_a_replaced_method_of_the_socket_is_called(
    logged_in: Any, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = logged_in.retr(1)
    kind, calls = type(logged_in.sock), []
    original = getattr(kind, method)

    def replaced(*given: Any) -> Any:
        calls.append(given)
        return original(*given)

    monkeypatch.setattr(kind, method, replaced, raising=False)
    assert logged_in.retr(1) == before
    assert calls


def test_a_method_of_one_tls_socket_is_called(sandbox: StartSandbox) -> None:
    server = sandbox()
    with poplib_rs.POP3_SSL("localhost", server.tls_port, context=server.context) as pop:
        calls, original = [], pop.sock.read
        pop.sock.read = lambda *given: calls.append(given) or original(*given)
        assert pop.capa()
        assert calls


def test_commands_and_answers_are_on_the_wire_as_ever() -> None:
    pair = Pair()
    pair.peer.sendall(BODY * 2 + b"+OK 1\r\n")
    assert pair.pop.retr(1) == pair.pop.retr("2") == MESSAGE
    file = pair.pop.file
    assert pair.pop._getresp() == b"+OK 1"
    assert pair.peer.recv(100) == b"RETR 1\r\nRETR 2\r\n"
    pair.peer.sendall(b"+OK beyond\r\n" + BODY)
    assert file.readline() == b"+OK beyond\r\n", "the file buffers what comes behind"
    assert pair.pop.retr(3) == MESSAGE
    assert pair.pop.file is file


@pytest.mark.parametrize("module", [poplib, poplib_rs])
def test_a_socket_that_does_not_block_has_nothing(module: Any) -> None:
    pair = Pair(module)
    pair.peer.sendall(BODY)
    assert pair.pop.retr(1) == MESSAGE
    pair.pop.sock.setblocking(False)
    for _ in range(2):
        with pytest.raises(module.error_proto, match="^-ERR EOF$"):
            pair.pop.retr(1)
    pair.peer.sendall(BODY)
    assert pair.pop.retr(1) == MESSAGE


@pytest.mark.parametrize("module", [poplib, poplib_rs])
def test_after_a_timeout_nothing_is_read(module: Any) -> None:
    pair = Pair(module)
    pair.peer.sendall(BODY)
    assert pair.pop.retr(1) == MESSAGE
    pair.pop.sock.settimeout(0.01)
    with pytest.raises(TimeoutError):
        pair.pop.retr(1)
    pair.peer.sendall(BODY)
    for _ in range(2):
        with pytest.raises(OSError, match="cannot read from timed out object"):
            pair.pop.retr(1)


@pytest.mark.parametrize("module", [poplib, poplib_rs])
def test_a_message_without_end_and_pause_can_be_interrupted(module: Any) -> None:
    pair = Pair(module)

    def pour() -> None:
        try:
            pair.peer.sendall(b"+OK\r\n")
            while True:
                pair.peer.sendall((b"x" * 1000 + b"\r\n") * 60)
        except OSError:
            pass

    def alarm(*_: object) -> None:
        raise KeyboardInterrupt

    pouring = threading.Thread(target=pour)
    previous = signal.signal(signal.SIGALRM, alarm)
    pouring.start()
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(KeyboardInterrupt):
            pair.pop.retr(1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        pair.pop.close()
        pouring.join()
