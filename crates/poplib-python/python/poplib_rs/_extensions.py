"""What POP3 can do beyond poplib: the protocol core over the client's own socket."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from ._binding import end_point
from ._native import Session
from ._pushback import push_back

_Self = TypeVar("_Self", bound="Extensions")

_CHUNK = 64 * 1024
# What a message is taken for that LIST does not tell of.
_UNKNOWN = 64 * 1024


class Extensions:
    """What POP3 can do beyond poplib."""

    host: str
    port: int
    sock: Any
    file: Any
    welcome: bytes
    _debugging: int
    _batch: Batch | None = None

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave with ``quit()``, or after an exception with ``close()``: nothing is deleted."""
        if self.sock is None:
            return
        try:
            if kind is None:
                self.quit()
        finally:
            self.close()

    def auth(
        self,
        mechanism: str | None = None,
        user: str | None = None,
        password: str | bytes | None = None,
        *,
        token: str | None = None,
        authzid: str | None = None,
        trace: str | None = None,
        allow_plaintext: bool = False,
    ) -> bytes:
        """Log in with a SASL mechanism (RFC 5034); return the response.

        Mechanisms are SCRAM-SHA-256-PLUS, SCRAM-SHA-1-PLUS, SCRAM-SHA-256, SCRAM-SHA-1,
        CRAM-MD5, PLAIN and LOGIN with a password; OAUTHBEARER and XOAUTH2 with a token;
        EXTERNAL with an ``authzid`` or nothing; ANONYMOUS with a ``trace`` or nothing. APOP and
        USER are names too. With None the strongest is taken that the server offers.

        A password or token that would cross the network readable is not sent, and ValueError
        or error_proto raised, unless ``allow_plaintext`` is true.
        """
        secret = password.encode() if isinstance(password, str) else password
        request = {
            "mechanism": mechanism,
            "user": user,
            "password": secret,
            "token": token,
            "authzid": authzid,
            "trace": trace,
            "host": self.host,
            "port": self.port,
            "welcome": self.welcome,
            "end_point": end_point(self.sock),
            "entropy": os.urandom(32),
        }
        session = self._session("authorization", allow_plaintext)
        session.begin_login(request)
        _, response = self._drive(session)
        return bytes(response)

    def lang(self, tag: str | None = None) -> Any:
        """Choose the language of the server's texts (RFC 6856); return the response.

        Without a tag, return the languages there are: ``[(tag, name), ...]``.
        """
        session = self._session("authorization")
        session.begin_lang(tag)
        return self._drive(session)

    def retr_bytes(self, which: int) -> bytes:
        """Return a message whole, as it is: octets with their line ends."""
        session = self._session("transaction")
        session.begin_retr(int(which))
        return bytes(self._drive(session))

    def iter_retr(
        self, numbers: Iterable[int] | None = None, *, return_exceptions: bool = False
    ) -> Iterator[tuple[int, Any]]:
        """Yield ``(number, message)`` for each number, or for all messages.

        Where the server can do that (PIPELINING), many are asked for at once, as many as are
        expected to be below 16 MiB together, so that the distance to the server hardly
        matters. Other commands may be given between two messages.

        A message that the server refuses raises error_proto, and the iteration can go on behind
        it; with ``return_exceptions`` the exception is yielded in the message's place.
        """
        return Batch(self, numbers, return_exceptions)

    # The driver.

    def _session(self, state: str, allow_plaintext: bool = False) -> Session:
        if self.sock is None:
            raise ValueError("the connection is closed")
        self._settle()
        protected = hasattr(self.sock, "getpeercert")
        return Session(state, protected, allow_plaintext)

    def _settle(self) -> None:
        """Have the answers read that a batch still waits for, so that others can be had."""
        if self._batch is not None:
            self._batch.settle()

    def _drive(self, session: Session) -> Any:
        try:
            return self._converse(session)
        finally:
            self._release(session)

    def _converse(self, session: Session) -> Any:
        while True:
            step = session.resume()
            octets, lines = session.take_unsent()
            if octets:
                self._putlines(octets, lines)
            if step == "done":
                return session.output()
            if step == "read":
                session.receive(_read(self.file))

    def _putlines(self, octets: bytes, lines: list[bytes]) -> None:
        for line in lines:
            if self._debugging > 1:
                print("*put*", repr(line))
            sys.audit("poplib.putline", self, line)
        self.sock.sendall(octets)

    def _release(self, session: Session) -> None:
        """Take the stream back, or close it if nobody knows where in an answer it is."""
        if not session.is_settled:
            self.close()
        elif beyond := session.unclaimed():
            self.file = push_back(self.file, beyond)

    if TYPE_CHECKING:

        def quit(self) -> bytes: ...
        def close(self) -> None: ...


def _read(file: Any) -> bytes:
    read1 = getattr(file, "read1", file.readline)
    return bytes(read1(_CHUNK))


class Batch(Iterator[tuple[int, Any]]):
    """The iterator of ``iter_retr``."""

    def __init__(
        self,
        client: Extensions,
        numbers: Iterable[int] | None,
        return_exceptions: bool,
    ) -> None:
        self._client = client
        self._numbers = None if numbers is None else [int(number) for number in numbers]
        self._return_exceptions = return_exceptions
        self._pipelined = False
        # What is not asked for yet; None before LIST.
        self._messages: list[tuple[int, int]] | None = None
        # What came because another command had to be sent.
        self._ready: deque[tuple[int, Any]] = deque()
        self._session: Session | None = None

    def __next__(self) -> tuple[int, Any]:
        outcome = self._ready.popleft() if self._ready else self._advance()
        if outcome is None:
            raise StopIteration
        if isinstance(outcome[1], Exception) and not self._return_exceptions:
            raise outcome[1]
        return outcome

    def settle(self) -> None:
        """Read what was asked for, and ask for no more until somebody wants the next."""
        session = self._session
        if session is not None:
            self._messages = session.stop_batch()
            while (outcome := self._converse(session)) is not None:
                self._ready.append(outcome)

    def _advance(self) -> tuple[int, Any] | None:
        if self._messages is None:
            self._survey()
        if not self._messages and self._session is None:
            return None
        if self._session is None or self._client._batch is not self:
            self._session = self._client._session("transaction")
            self._session.begin_batch(self._messages or [], self._pipelined)
            self._client._batch = self
            self._messages = []
        return self._converse(self._session)

    def _survey(self) -> None:
        """Ask whether many may be asked for at once, and how large they are."""
        from . import error_proto

        client = self._client
        session = client._session("transaction")
        session.begin_capa()
        try:
            client._drive(session)
            self._pipelined = session.advertises_pipelining
        except error_proto:
            if client.sock is None:
                raise
        session = client._session("transaction")
        session.begin_list()
        octets = {number: size or _UNKNOWN for number, size in client._drive(session)}
        numbers = list(octets) if self._numbers is None else self._numbers
        self._messages = [(n, octets.get(n, _UNKNOWN)) for n in numbers]

    def _converse(self, session: Session) -> tuple[int, Any] | None:
        """The next outcome; None at the end, and the client is free for others."""
        outcome = None
        try:
            outcome = self._client._converse(session)
        finally:
            if outcome is None:
                self._session = None
                self._client._batch = None
                self._client._release(session)
        return outcome
