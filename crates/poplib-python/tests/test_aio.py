"""The client for asyncio, against poplib-sandbox."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine
from typing import Any

import pytest
from poplib_rs import aio, error_proto

from conftest import Server, StartSandbox


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await coroutine

    asyncio.run(bounded())


def urls(server: Server) -> list[str]:
    return [
        f"pops://alice@localhost:{server.tls_port}",
        f"pop://alice@localhost:{server.plain_port}",
    ]


def test_all_commands(sandbox: StartSandbox) -> None:
    server = sandbox()

    async def converse(url: str) -> None:
        async with await aio.connect(url, password="secret", context=server.context) as pop:
            assert pop.welcome.startswith(b"+OK")
            assert "TOP" in await pop.capa()
            maildrop = await pop.stat()
            assert maildrop.messages == 3
            listing = await pop.list()
            assert sum(octets or 0 for _, octets in listing) == maildrop.octets
            assert [number for number, _ in await pop.uidl()] == [1, 2, 3]
            message = await pop.retr(2)
            assert message.endswith(b"\r\n.\r\n..\r\n.dot\r\n")
            assert (await pop.top(2, 1)) == message[: message.index(b"\r\n..") + 2]
            assert ("de", "Deutsch") in await pop.lang()
            assert (await pop.lang("de")).startswith(b"+OK")
            for answer in (pop.noop(), pop.dele(1), pop.rset()):
                assert (await answer).startswith(b"+OK")

    for url in urls(server):
        run(converse(url))


def test_it_verifies(sandbox: StartSandbox) -> None:
    for url in urls(sandbox()):
        with pytest.raises(ssl.SSLCertVerificationError):
            run(aio.connect(url, password="secret"))  # type: ignore[arg-type]


def test_a01_octets_before_tls_are_an_error() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+OK\r\n")
        assert await reader.readline() == b"STLS\r\n"
        writer.write(b"+OK begin\r\n+OK injected\r\n")
        await reader.read()
        writer.close()

    async def converse() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(error_proto, match="before TLS"):
                await aio.connect(f"pop://127.0.0.1:{port}")

    run(converse())


def test_a13_no_password_in_clear_unless_allowed(sandbox: StartSandbox) -> None:
    server = sandbox("--misbehave", "no-stls")
    url = urls(server)[1]

    async def converse() -> None:
        with pytest.raises(error_proto):
            await aio.connect(url, password="secret", context=server.context)
        pop = await aio.connect(url, password="secret", allow_plaintext=True)
        assert (await pop.stat()).messages == 3
        pop.close()

    run(converse())


def test_iter_retr_with_other_commands_between(sandbox: StartSandbox) -> None:
    server = sandbox("--generate", "600", "--octets", "100..4000")

    async def converse() -> None:
        url = urls(server)[0]
        async with await aio.connect(url, password="secret", context=server.context) as pop:
            seen = []
            async for number, message in pop.iter_retr():
                seen.append(number)
                if number % 150 == 1:
                    assert await pop.retr(number) == message
                    await pop.dele(number)
            assert seen == list(range(1, 601))
            outcomes = pop.iter_retr([2, 1, 3], return_exceptions=True)
            assert [type(message) async for _, message in outcomes] == [bytes, error_proto, bytes]

    run(converse())


def test_calls_at_the_same_time_wait_for_each_other(sandbox: StartSandbox) -> None:
    server = sandbox("--generate", "50")

    async def converse() -> None:
        url = urls(server)[0]
        async with await aio.connect(url, password="secret", context=server.context) as pop:
            messages = await asyncio.gather(*(pop.retr(number) for number in range(1, 51)))
            assert len(set(messages)) == 50

    run(converse())


def test_a_cancelled_call_leaves_the_session_usable() -> None:
    asked = asyncio.Event()
    answer = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+OK <a@b>\r\n")
        while line := await reader.readline():
            if line.startswith(b"RETR"):
                writer.write(b"+OK\r\nhalf a ")
                asked.set()
                await answer.wait()
                writer.write(b"message\r\n.\r\n")
            elif line.startswith(b"CAPA"):
                writer.write(b"-ERR\r\n")
            else:
                writer.write(b"+OK 1 1\r\n")
        writer.close()

    async def converse() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            url = f"pop://me@127.0.0.1:{port}"
            pop = await aio.connect(url, password="x", allow_plaintext=True)
            retr = asyncio.ensure_future(pop.retr(1))
            await asked.wait()
            retr.cancel()
            with pytest.raises(asyncio.CancelledError):
                await retr
            answer.set()
            assert await pop.stat() == (1, 1)
            assert await pop.retr(1) == b"half a message\r\n"
            await pop.quit()

    run(converse())


def test_a10_a_silent_server_is_a_timeout() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def converse() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(TimeoutError):
                await aio.connect(f"pop://127.0.0.1:{port}", timeout=0.1)

    run(converse())
