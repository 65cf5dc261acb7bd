"""An audit hook that raises: nothing happens, and the client is in the state of poplib's."""

from __future__ import annotations

import contextlib
import io
import poplib
import socket
from collections.abc import Callable
from typing import Any

import poplib_rs
import pytest

from audit import forbidden, recorded

ERROR = PermissionError("no mail here")
CALLS: dict[str, tuple[Any, ...]] = {
    "user": ("me",),
    "pass_": ("secret",),
    "apop": ("me", "secret"),
    "stat": (),
    "list": (),
    "uidl": (1,),
    "retr": (1,),
    "top": (1, 5),
    "capa": (),
    "stls": (),
    "_shortcmd": ("XTND",),
    "_longcmd": ("XLST",),
    "_putcmd": ("NOOP",),
    "quit": (),
}
ANSWER = b"+OK 2 320\r\nanswer\r\n.\r\n"


def attempt(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:
        return error is ERROR, type(error).__name__, error.args


def state(client: Any) -> dict[str, Any]:
    """All attributes that poplib has too; of the socket and its file only the types."""
    return {
        name: type(value).__name__ if name in ("sock", "file", "context") else value
        for name, value in vars(client).items()
        if name not in ("_batch", "_stakes")
    }


def forbid_connecting(module: Any, kind: str) -> list[Any]:
    """The state of a client that may not connect, and what is left of it after `close()`."""
    opened: list[str] = []

    class Client(getattr(module, kind)):  # type: ignore[misc]
        def _create_socket(self, timeout: object) -> socket.socket:
            opened.append("a socket")
            return socket.socket()

    client = Client.__new__(Client)
    with forbidden("poplib.connect", ERROR), recorded() as audited:
        outcome = attempt(lambda: client.__init__("server", 1))
    return [outcome, audited, opened, state(client), attempt(client.close), attempt(client.noop)]


def forbid_sending(module: Any, name: str, debugging: int) -> list[Any]:
    """What a call comes to, then the same call again with nothing in its way."""
    ours, peer = socket.socketpair()

    class Client(module.POP3):  # type: ignore[misc]
        def _create_socket(self, timeout: object) -> socket.socket:
            return ours

    trace: list[Any] = []
    with peer, ours, contextlib.redirect_stdout(io.StringIO()) as printed, recorded() as audited:
        peer.sendall(b"+OK <a@b>\r\n")
        client = Client("server")
        client.set_debuglevel(debugging)
        call = lambda: getattr(client, name)(*CALLS[name])
        with forbidden("poplib.putline", ERROR):
            trace += [attempt(call), state(client)]
        peer.setblocking(False)
        with pytest.raises(BlockingIOError):
            peer.recv(1)
        peer.sendall(ANSWER)
        trace += [attempt(call), state(client), peer.recv(1000)]
        client.close()
    return [*trace, audited, printed.getvalue()]


@pytest.mark.parametrize("kind", ["POP3", "POP3_SSL"])
def test_nobody_connects_against_a_hook(kind: str) -> None:
    ours = forbid_connecting(poplib_rs, kind)
    assert ours == forbid_connecting(poplib, kind)
    assert ours[:3] == [
        (True, "PermissionError", ERROR.args),
        [("poplib.connect", ("server", 1))],
        [],
    ]


@pytest.mark.parametrize("debugging", [0, 2])
@pytest.mark.parametrize("name", CALLS)
def test_nothing_is_sent_against_a_hook(name: str, debugging: int) -> None:
    ours = forbid_sending(poplib_rs, name, debugging)
    assert ours == forbid_sending(poplib, name, debugging)
    assert ours[0] == (True, "PermissionError", ERROR.args)
    assert ours[4], "the client works as before"


@pytest.mark.parametrize("call", ["retr_bytes", "iter_retr"])
def test_beyond_poplib_nothing_is_sent_either(call: str) -> None:
    ours, peer = socket.socketpair()

    class Client(poplib_rs.POP3):
        def _create_socket(self, timeout: object) -> socket.socket:
            return ours

    with peer, ours:
        peer.sendall(b"+OK\r\n")
        client = Client("server")
        with forbidden("poplib.putline", ERROR), pytest.raises(PermissionError) as caught:
            client.retr_bytes(1) if call == "retr_bytes" else next(client.iter_retr([1]))
        assert caught.value is ERROR
        assert client.sock is None, "what should have been sent has no answer"
        assert peer.recv(1) == b""
