"""Conversations with a server, and batches of messages, without the I/O.

They are generators. What they yield a driver must do, one for sockets and one for asyncio.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypedDict, TypeVar

from ._native import Session

Outcome = tuple[int, Any]


class LoginRequest(TypedDict):
    """What a login is made of. What it lacks is None."""

    mechanism: str | None
    user: str | None
    password: bytes | None
    token: str | None
    authzid: str | None
    trace: str | None
    host: str
    port: int
    welcome: bytes
    end_point: bytes | None
    entropy: bytes


@dataclass(frozen=True)
class Send:
    """Octets to be sent, and the same as lines for those who watch, without secrets."""

    octets: bytes
    lines: list[bytes]


@dataclass(frozen=True)
class Read:
    """Something must be read and given back; nothing is the end of the stream."""


@dataclass(frozen=True)
class StartTls:
    """The stream must be upgraded to TLS. What was read and not given back is given back."""


_T = TypeVar("_T")
Conversation = Generator[Send | Read | StartTls, Any, _T]


def converse(session: Session) -> Conversation[Any]:
    """Go on with what the session has begun; return what it came to."""
    while True:
        step = session.resume()
        octets, lines = session.take_unsent()
        if octets:
            yield Send(octets, lines)
        if step == "done":
            return session.output()
        if step == "read":
            session.receive((yield Read()))
        elif step == "tls":
            if early := (yield StartTls()):
                session.receive(early)
            session.protect()


class Client(Protocol):
    """What a batch must know of its client."""

    _batch: Batch | None

    def _open(self, state: Any) -> Conversation[Session]:
        """Have other batches settled; return a session in which something can begin."""
        ...


class Batch:
    """Messages on their way, many at once where the server can do that."""

    def __init__(self, client: Client, numbers: Iterable[int] | None) -> None:
        self._client = client
        self._numbers = None if numbers is None else [int(number) for number in numbers]
        self._pipelined = False
        # What is not asked for yet; None before LIST.
        self._messages: list[tuple[int, int | None]] | None = None
        # What came early, because another command had to be sent.
        self._ready: deque[Outcome] = deque()
        self._session: Session | None = None

    def advance(self) -> Conversation[Outcome | None]:
        """Return the next message, or in its place the exception; None at the end."""
        if self._ready:
            return self._ready.popleft()
        if self._session is not None and self._client._batch is not self:
            raise ValueError("the connection was closed before the batch was complete")
        if self._messages is None:
            yield from self._survey()
        if self._session is None:
            if not self._messages:
                return None
            session = yield from self._client._open("transaction")
            session.begin_batch(self._messages, self._pipelined)
            self._messages = []
            self._session = session
            self._client._batch = self
        return (yield from self._next(self._session))

    def settle(self) -> Conversation[None]:
        """Read what was asked for, and ask for no more until somebody wants the next."""
        session = self._session
        if session is None:
            return
        self._messages = session.stop_batch() + (self._messages or [])
        while (outcome := (yield from self._next(session))) is not None:
            self._ready.append(outcome)

    def _next(self, session: Session) -> Conversation[Outcome | None]:
        outcome: Outcome | None = yield from converse(session)
        if outcome is None:
            self._session = None
            self._client._batch = None
        return outcome

    def _survey(self) -> Conversation[None]:
        """Ask whether many may be asked for at once, and how large they are."""
        from . import error_proto

        session = yield from self._client._open("transaction")
        session.begin_capa()
        try:
            yield from converse(session)
        except error_proto:
            if not session.is_settled:
                raise
        self._pipelined = session.advertises_pipelining
        session.begin_list()
        scans = yield from converse(session)
        octets: dict[int, int | None] = dict(scans)
        numbers = list(octets) if self._numbers is None else self._numbers
        self._messages = [(number, octets.get(number)) for number in numbers]
