"""The same conversation through poplib and through poplib_rs: nothing may differ.

What does differ, on purpose, is in MIGRATION.md; of that only `alike` shows up here.
"""

from __future__ import annotations

import contextlib
import io
import poplib
import random
import shutil
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import poplib_rs
import pytest

import dovecot
from audit import recorded
from memory import Socket, client

SEQUENCES = 1500
CALLS = 12

GREETINGS = [
    b"+OK ready\r\n",
    b"+OK <1896.697170952@dbc.mtview.ca.us>\r\n",
    b"+OK POP <a> <b@c>\r\n",
    b"+\n",
    b"-ERR [SYS/TEMP] not now\r\n",
    b"* OK IMAP\r\n",
    b"+OK " + b"x" * 3000 + b"\r\n",
    b"",
]
STATUS = [
    *[b"+OK\r\n", b"+OK 2 320\r\n", b"+OK 1 2 3 4\r\n", b"+ fine\n"] * 4,
    *[b"+OK -3 -7\r\n", b"\r+OK 1 1\r\n", b"-ERR no\r\n", b"-ERR [IN-USE] locked\r\n"],
    *[b"+OK one two\r\n", b"+OK 7\r\n", b"-\n", b"\r\n", b"\n", b"+OK\xff 1 2\r\n"],
    b"+OK 1 1\r\n+OK what nobody asked for\r\n",
    b"-ERR no such user\r\n+OK password required\r\n",
    b"+OK " + b"9" * 2100 + b"\r\n",
]
LINES = [
    *[b"1 120\r\n", b"2 200\r\n", b"\r\n", b"text\r\n", b"STLS\r\n", b"SASL PLAIN X\r\n"] * 3,
    *[b"..\r\n", b"...x\r\n", b".x\r\n", b"\n", b"bare\n", b"\rfirst\n", b"\r..\n", b"a\rb\r\n"],
    *[b"\xff\xfe\r\n", b"nul\0\r\n", b"UTF8\r\n", b"UTF8 USER\r\n", b"  \r\n", b". \r\n"],
    *[b"x" * length + b"\r\n" for length in (2045, 2046, 2047, 2048, 5000)],
]
# None of them in the middle of a line, where poplib takes for whole what was cut off.
ENDS = [*[b".\r\n"] * 12, b".\n", b"\r.\n", b".\r\n+OK more\r\n", b""]
EXCEPTIONS = [TimeoutError("timed out"), ConnectionResetError(104, "reset"), KeyboardInterrupt()]

Trace = list[Any]
Contexts = tuple[ssl.SSLContext, ssl.SSLContext]


class Script:
    """A conversation, the same each time for one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        choice = self.random.choice
        self.greeting = self.cut(choice(GREETINGS if seed % 4 == 0 else GREETINGS[:3]))
        self.answers = [self.cut(self.answer()) for _ in range(CALLS)]
        self.calls = [self.call() for _ in range(CALLS)]

    def answer(self) -> bytes:
        status = self.random.choice(STATUS)
        if self.random.random() < 0.4:
            return status
        count = self.random.choice([0, 1, 2, 5, 40])
        weights = [1.0] * (len(LINES) - 5) + [0.1] * 5
        lines = self.random.choices(LINES, weights, k=count)
        return b"".join([status, *lines, self.random.choice(ENDS)])

    def cut(self, octets: bytes) -> list[bytes | BaseException]:
        """Into the pieces in which it arrives, sometimes with a mishap in between."""
        pieces: list[bytes | BaseException] = []
        most = self.random.choice([3, 80, 1400, 8192])
        while octets:
            length = self.random.randint(1, most)
            pieces.append(octets[:length])
            octets = octets[length:]
        if self.random.random() < 0.08:
            mishap = self.random.choice(EXCEPTIONS)
            pieces.insert(self.random.randint(0, len(pieces)), mishap)
        return pieces

    def call(self) -> tuple[str, tuple[Any, ...]]:
        number = self.random.choice([1, 2, 0, "3", -1, "x y", 10**12])
        return self.random.choice(
            [
                *[("retr", (number,)), ("list", ()), ("uidl", ()), ("top", (number, 5))] * 3,
                *[("stat", ()), ("capa", ()), ("noop", ()), ("rset", ()), ("utf8", ())],
                *[("list", (number,)), ("uidl", (number,)), ("dele", (number,))],
                *[("user", ("me",)), ("pass_", ("geheim ü",)), ("rpop", ("me",))],
                *[("apop", ("me", "tanstaaf")), ("getwelcome", ()), ("stls", ())],
                *[("_shortcmd", ("XTND",)), ("_longcmd", ("XLST",)), ("_getresp", ())],
                *[("set_debuglevel", (level,)) for level in (0, 1, 2)],
                *[("_MAXLINE", (limit,)) for limit in (100, 2048, 20480)],
                *[("quit", ()), ("close", ())],
            ]
        )


def perform(module: Any, script: Script) -> Trace:
    sock = Socket(list(script.greeting), [list(answer) for answer in script.answers])
    return [*converse(module, script, sock), sock.sent, sock.events]


def converse(module: Any, script: Script, sock: Any) -> Trace:
    """What each call comes to, what is audited and what is printed."""
    trace: Trace = []
    output = io.StringIO()
    module._MAXLINE = 2048
    with contextlib.redirect_stdout(output), recorded() as audited:
        connected = attempt(lambda: client(module, sock))
        trace.append(connected[0])
        for name, arguments in script.calls if connected[1] else ():
            if name == "_MAXLINE":
                module._MAXLINE = arguments[0]
                continue
            method = getattr(connected[1], name)
            outcome, _ = attempt(lambda: method(*arguments))
            state = [getattr(connected[1], name) is None for name in ("sock", "file")]
            trace.append((name, arguments, outcome, state))
    module._MAXLINE = 2048
    return [trace, audited, output.getvalue()]


def attempt(call: Any) -> tuple[Any, Any]:
    try:
        value = call()
    except BaseException as error:
        return (type(error).__name__, error.args), None
    return (type(value).__name__, value if isinstance(value, (tuple, bytes, dict)) else ""), value


def alike(trace: Trace) -> Trace:
    """A malformed STAT is error_proto in newer versions of poplib, and always here."""
    for index, step in enumerate(trace[0]):
        if index and step[0] == "stat":
            kind, arguments = step[2]
            if kind in ("IndexError", "ValueError") or "Invalid STAT" in str(arguments):
                trace[0][index] = (*step[:2], ("error_proto", "malformed"), step[3])
    return trace


@pytest.mark.parametrize("block", range(15))
def test_nothing_differs(block: int) -> None:
    for seed in range(block * SEQUENCES // 15, (block + 1) * SEQUENCES // 15):
        theirs = alike(perform(poplib, Script(seed)))
        ours = alike(perform(poplib_rs, Script(seed)))
        assert ours == theirs, f"seed {seed}"


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_nothing_differs_over_pythons_own_sockets(tls: bool, tmp_path: Path) -> None:
    """There poplib_rs goes past the file and the methods, which it cannot in memory."""
    contexts = tls_contexts(tmp_path) if tls else None
    for seed in range(400):
        theirs = alike(perform_over_socket(poplib, Script(seed), contexts))
        ours = alike(perform_over_socket(poplib_rs, Script(seed), contexts))
        assert ours == theirs, f"seed {seed}"


def perform_over_socket(module: Any, script: Script, contexts: Contexts | None) -> Trace:
    """All answers are sent from the beginning, and then nothing more."""
    script.calls = [call for call in script.calls if call[0] != "stls"]
    answers = [piece for answer in (script.greeting, *script.answers) for piece in answer]
    ours, theirs = socket.socketpair()
    sending = threading.Thread(target=send, args=(theirs, answers, contexts))
    sending.start()
    if contexts:
        ours = contexts[1].wrap_socket(ours, server_hostname="localhost")
    trace = converse(module, script, ours)
    with contextlib.suppress(OSError):
        ours.shutdown(socket.SHUT_RDWR)
    ours.close()
    sending.join()
    return trace


def send(sock: socket.socket, pieces: list[bytes | BaseException], contexts: Contexts | None) -> None:
    with contextlib.ExitStack() as stack:
        stack.callback(sock.close)
        if contexts:
            sock = stack.enter_context(contexts[0].wrap_socket(sock, server_side=True))
        # The client may close before all is sent.
        stack.enter_context(contextlib.suppress(OSError))
        for piece in pieces:
            if isinstance(piece, bytes):
                sock.sendall(piece)
        # Under TLS that is without a word of farewell, as many servers end.
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(4096):
            pass


def tls_contexts(place: Path) -> Contexts:
    """Of a server and of a client that trusts it."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl to make a certificate")
    dovecot.make_certificate(place)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(place / "server.pem", place / "server.key")
    return server, ssl.create_default_context(cafile=place / "server.pem")


def test_the_sequences_reach_every_outcome() -> None:
    """Else the test above would prove little."""
    seen = set()
    for seed in range(SEQUENCES):
        for step in perform(poplib_rs, Script(seed))[0][1:]:
            seen.add((step[0], step[2][0]))
    names = {name for name, _ in seen}
    assert {"retr", "list", "uidl", "top", "capa", "stls", "apop", "quit"} <= names
    for outcome in ("tuple", "error_proto", "TimeoutError", "KeyboardInterrupt"):
        assert ("retr", outcome) in seen
