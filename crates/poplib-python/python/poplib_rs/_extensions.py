"""What POP3 can do beyond poplib: the protocol core over the client's own socket."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from ._binding import end_point
from ._batch import Batch, Conversation, LoginRequest, Outcome, Read, Send, converse
from ._native import Session
from ._source import with_octets

_Self = TypeVar("_Self", bound="Extensions")

_T = TypeVar("_T")

_CHUNK = 64 * 1024


class Extensions:
    """What POP3 can do beyond poplib."""

    host: str
    port: int
    sock: Any
    file: Any
    welcome: bytes
    _debugging: int
    _batch: Batch | None = None
    _session: Session | None = None

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

        Mechanisms are SCRAM-SHA-512-PLUS, SCRAM-SHA-256-PLUS, SCRAM-SHA-1-PLUS, SCRAM-SHA-512,
        SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5, PLAIN and LOGIN with a password; OAUTHBEARER and
        XOAUTH2 with a token; EXTERNAL with an ``authzid`` or nothing; ANONYMOUS with a ``trace`` or nothing. APOP and
        USER are names too, and DIGEST-MD5, which is weak and historic (RFC 6331). With None the
        strongest is taken that the server offers, and never DIGEST-MD5.

        A password or token that would cross the network readable is not sent, and ValueError
        or error_proto raised, unless ``allow_plaintext`` is true.
        """
        secret = password.encode() if isinstance(password, str) else password
        request: LoginRequest = {
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

        def login() -> Conversation[bytes]:
            session = yield from self._open("authorization", allow_plaintext)
            session.begin_login(request)
            _, response = yield from converse(session)
            return bytes(response)

        return self._run(login())

    def lang(self, tag: str | None = None) -> Any:
        """Choose the language of the server's texts (RFC 6856); return the response.

        Without a tag, return the languages there are: ``[(tag, name), ...]``.
        """

        def lang() -> Conversation[Any]:
            session = yield from self._open("transaction")
            session.begin_lang(tag)
            return (yield from converse(session))

        return self._run(lang())

    def retr_bytes(self, which: int) -> bytes:
        """Return a message whole, as it is: octets with their line ends."""

        def retr() -> Conversation[bytes]:
            session = yield from self._open("transaction")
            session.begin_retr(int(which))
            return bytes((yield from converse(session)))

        return self._run(retr())

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
        return Messages(self, numbers, return_exceptions)

    # The driver.

    def _open(
        self, state: Any, allow_plaintext: bool = False
    ) -> Conversation[Session]:
        if self.sock is None:
            raise ValueError("the connection is closed")
        if self._batch is not None:
            yield from self._batch.settle()
        protected = hasattr(self.sock, "getpeercert")
        self._session = Session(state, protected, allow_plaintext)
        return self._session

    def _settle(self) -> None:
        """Have the answers read that a batch still waits for, so that others can be had."""
        if self._batch is not None:
            self._run(self._batch.settle())

    def _run(self, conversation: Conversation[_T]) -> _T:
        answer: bytes | None = None
        try:
            while True:
                wanted = conversation.send(answer)
                answer = None
                match wanted:
                    case Send(octets, lines):
                        self._putlines(octets, lines)
                    case Read():
                        answer = _read(self.file)
        except StopIteration as end:
            self._take_back()
            result: _T = end.value
            return result
        except BaseException:
            self._take_back()
            # Nobody knows where in an answer the stream is.
            if self._session is not None and not self._session.is_settled:
                self.close()
            raise

    def _take_back(self) -> None:
        """What nothing asked for is for whoever reads next, as in poplib."""
        if self._session is not None and self._session.is_settled:
            try:
                if beyond := self._session.take_unclaimed():
                    self._give_back(beyond)
            except BaseException:
                # Octets are lost, and so what follows them means nothing.
                self.close()
                raise

    def _give_back(self, octets: bytes) -> None:
        """Have the file go on with octets that were read and belong to no answer."""
        self.file = with_octets(self.file, octets)

    def _putlines(self, octets: bytes, lines: list[bytes]) -> None:
        for line in lines:
            if self._debugging > 1:
                print("*put*", repr(line))
            sys.audit("poplib.putline", self, line)
        self.sock.sendall(octets)

    if TYPE_CHECKING:

        def quit(self) -> bytes: ...
        def close(self) -> None: ...


def _read(file: Any) -> bytes:
    read1 = getattr(file, "read1", None) or file.readline
    return bytes(read1(_CHUNK))


class Messages(Batch, Iterator[Outcome]):
    """The iterator of ``iter_retr``."""

    def __init__(
        self,
        client: Extensions,
        numbers: Iterable[int] | None,
        return_exceptions: bool,
    ) -> None:
        super().__init__(client, numbers)
        self._run = client._run
        self._return_exceptions = return_exceptions

    def __next__(self) -> Outcome:
        outcome = self._run(self.advance())
        if outcome is None:
            raise StopIteration
        if isinstance(outcome[1], Exception) and not self._return_exceptions:
            raise outcome[1]
        return outcome
