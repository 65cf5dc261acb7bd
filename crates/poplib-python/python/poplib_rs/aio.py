"""POP3 for asyncio, over asyncio's streams.

    async with await aio.connect("pops://me@pop.example.org", password=secret) as client:
        async for number, message in client.iter_retr():
            ...

It is no drop-in for anything, and so stricter than poplib: certificates are verified, a server
that breaks the protocol is given up, and answers come as values instead of lines.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

from ._batch import Batch, Conversation, Outcome, Read, Send, StartTls, converse
from ._binding import end_point
from ._native import Session
from ._url import Server

__all__ = ["POP3", "Maildrop", "connect"]

_T = TypeVar("_T")
_CHUNK = 64 * 1024


_Scans = list[tuple[int, int | None]]
_UniqueIds = list[tuple[int, bytes]]
_Capabilities = dict[str, list[str]]


class Maildrop(NamedTuple):
    """What STAT tells."""

    messages: int
    octets: int | None


async def connect(
    url: str,
    *,
    password: str | bytes | None = None,
    token: str | None = None,
    context: ssl.SSLContext | None = None,
    timeout: float | None = 60.0,
    allow_plaintext: bool = False,
) -> POP3:
    """Connect to ``pops://host``, or ``pop://host`` with STLS; return a POP3.

    ``timeout`` is the longest time that the server may be silent, in seconds; for a deadline
    use ``asyncio.timeout``. For the rest see ``poplib_rs.connect``.
    """
    server = Server.of_url(url)
    if (password is not None or token is not None) and server.user is None:
        raise ValueError("the URL names no user to log in")
    context = context or ssl.create_default_context()
    async with asyncio.timeout(timeout):
        reader, writer = await asyncio.open_connection(
            server.host, server.port, ssl=context if server.implicit_tls else None
        )
    client = POP3(reader, writer, server, context, timeout, allow_plaintext)
    try:
        client.welcome = await client._ask(lambda session: session.begin_greeting())
        if not server.implicit_tls:
            if not allow_plaintext or await client._offers_stls():
                await client._ask(lambda session: session.begin_stls())
        if server.user is not None and (password is not None or token is not None):
            await client.auth(server.mechanism, server.user, password, token=token)
    except BaseException:
        client.close()
        raise
    return client


class POP3:
    """A POP3 session. Make one with ``connect``.

    A call that is cancelled leaves the session usable, except where nobody could know then
    whether it has logged in. One call runs at a time; others wait.
    """

    welcome: bytes

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        server: Server,
        context: ssl.SSLContext,
        timeout: float | None,
        allow_plaintext: bool,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._server = server
        self._context = context
        self._timeout = timeout
        self._lock = asyncio.Lock()
        self._session = Session("greeting", server.implicit_tls, allow_plaintext)
        self._batch: Batch | None = None

    async def __aenter__(self) -> POP3:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave with ``quit()``, or after an exception with ``close()``: nothing is deleted."""
        try:
            if kind is None and not self._writer.is_closing():
                await self.quit()
        finally:
            self.close()

    async def auth(
        self,
        mechanism: str | None = None,
        user: str | None = None,
        password: str | bytes | None = None,
        *,
        token: str | None = None,
        authzid: str | None = None,
        trace: str | None = None,
    ) -> bytes:
        """Log in; return the response. See ``poplib_rs.POP3.auth``."""
        secret = password.encode() if isinstance(password, str) else password
        _, response = await self._ask(
            lambda session: session.begin_login(
                {
                    "mechanism": mechanism,
                    "user": user,
                    "password": secret,
                    "token": token,
                    "authzid": authzid,
                    "trace": trace,
                    "host": self._server.host,
                    "port": self._server.port,
                    "welcome": self.welcome,
                    "end_point": end_point(self._tls()),
                    "entropy": os.urandom(32),
                }
            )
        )
        return bytes(response)

    async def capa(self) -> _Capabilities:
        """Return what the server can do now, as ``{name: [argument, ...]}``."""
        capabilities: _Capabilities
        capabilities = await self._ask(lambda session: session.begin_capa())
        return capabilities

    async def utf8(self) -> bytes:
        """Ask for UTF-8 (RFC 6856), before login; return the response."""
        return bytes(await self._ask(lambda session: session.begin_utf8()))

    async def lang(self, tag: str | None = None) -> Any:
        """Choose a language; without a tag, return those there are: ``[(tag, name), ...]``."""
        return await self._ask(lambda session: session.begin_lang(tag))

    async def stat(self) -> Maildrop:
        """Return the number of messages and their octets."""
        return Maildrop(*await self._ask(lambda session: session.begin_stat()))

    async def list(self) -> _Scans:
        """Return ``[(number, octets), ...]``; the octets are a hint, None if not given."""
        scans: _Scans = await self._ask(lambda session: session.begin_list())
        return scans

    async def uidl(self) -> _UniqueIds:
        """Return ``[(number, unique-id), ...]``."""
        unique_ids: _UniqueIds
        unique_ids = await self._ask(lambda session: session.begin_uidl(None))
        return unique_ids

    async def retr(self, number: int) -> bytes:
        """Return a message whole, as it is: octets with their line ends."""
        return bytes(await self._ask(lambda session: session.begin_retr(number)))

    async def top(self, number: int, lines: int) -> bytes:
        """Return a message's header and so many lines of its body."""
        return bytes(await self._ask(lambda session: session.begin_top(number, lines)))

    def iter_retr(
        self, numbers: Iterable[int] | None = None, *, return_exceptions: bool = False
    ) -> AsyncIterator[Outcome]:
        """Yield ``(number, message)``, pipelined. See ``poplib_rs.POP3.iter_retr``."""
        return Messages(self, numbers, return_exceptions)

    async def dele(self, number: int) -> bytes:
        """Mark a message for deletion, which happens at ``quit()``; return the response."""
        return bytes(await self._ask(lambda session: session.begin_dele(number)))

    async def noop(self) -> bytes:
        """Do nothing; return the response."""
        return bytes(await self._ask(lambda session: session.begin_noop()))

    async def rset(self) -> bytes:
        """Unmark all messages marked for deletion; return the response."""
        return bytes(await self._ask(lambda session: session.begin_rset()))

    async def quit(self) -> bytes:
        """Have the marked messages deleted, and close the connection; return the response."""
        response = bytes(await self._ask(lambda session: session.begin_quit()))
        self.close()
        return response

    def close(self) -> None:
        """Close the connection. Nothing is deleted."""
        self._batch = None
        self._writer.close()

    async def _offers_stls(self) -> bool:
        from . import error_proto

        try:
            return "STLS" in await self.capa()
        except error_proto:
            if not self._session.is_settled:
                raise
            return False

    # The driver.

    async def _ask(self, begin: Callable[[Session], None]) -> Any:
        def ask() -> Conversation[Any]:
            session = yield from self._open("any")
            begin(session)
            return (yield from converse(session))

        return await self._run(ask())

    def _open(self, state: Any) -> Conversation[Session]:
        """The session knows its state; and answers that nobody awaits any more it skips."""
        if self._batch is not None:
            yield from self._batch.settle()
        return self._session

    async def _run(self, conversation: Conversation[_T]) -> _T:
        answer: Any = None
        async with self._lock:
            while True:
                try:
                    wanted = conversation.send(answer)
                except StopIteration as end:
                    result: _T = end.value
                    return result
                answer = await self._do(wanted)

    async def _do(self, wanted: Send | Read | StartTls) -> bytes | None:
        async with asyncio.timeout(self._timeout):
            match wanted:
                case Send(octets):
                    self._writer.write(octets)
                    await self._writer.drain()
                case Read():
                    return await self._reader.read(_CHUNK)
                case StartTls():
                    if early := _buffered(self._reader):
                        return early
                    await self._writer.start_tls(
                        self._context, server_hostname=self._server.host
                    )
        return None

    def _tls(self) -> Any:
        return self._writer.get_extra_info("ssl_object")


def _buffered(reader: asyncio.StreamReader) -> bytes:
    """What the reader holds already: one step of a read, which is over at once or given up."""
    reading = reader.read(_CHUNK)
    try:
        reading.send(None)
    except StopIteration as end:
        return bytes(end.value)
    reading.close()
    return b""


class Messages(Batch, AsyncIterator[Outcome]):
    """The iterator of ``iter_retr``."""

    def __init__(
        self, client: POP3, numbers: Iterable[int] | None, return_exceptions: bool
    ) -> None:
        super().__init__(client, numbers)
        self._run = client._run
        self._return_exceptions = return_exceptions

    async def __anext__(self) -> Outcome:
        outcome = await self._run(self.advance())
        if outcome is None:
            raise StopAsyncIteration
        if isinstance(outcome[1], Exception) and not self._return_exceptions:
            raise outcome[1]
        return outcome
