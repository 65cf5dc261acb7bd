"""What type checkers must see. Never run: mypy and pyright read it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Any, assert_type

import poplib_rs
from poplib_rs import POP3, POP3_SSL, CodeKind, ResponseCode, aio, error_proto


def dropin(context: ssl.SSLContext) -> None:
    pop = POP3("host", 110, timeout=3.5)
    assert_type(pop.getwelcome(), bytes)
    assert_type(pop.stat(), tuple[int, int])
    assert_type(pop.retr("1"), tuple[bytes, list[bytes], int])
    assert_type(pop.top(1, 0), tuple[bytes, list[bytes], int])
    assert_type(pop.capa(), dict[str, list[str]])
    assert_type(pop.stls(context), bytes)
    assert_type(pop.close(), None)
    encrypted: POP3 = POP3_SSL("host", context=context, timeout=None)
    encrypted.set_debuglevel(1)
    poplib_rs._MAXLINE = 1 << 20
    POP3(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    pop.retr()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def beyond() -> None:
    with poplib_rs.connect("pops://me@host", password="secret") as pop:
        assert_type(pop, POP3)
        assert_type(pop.auth("PLAIN", "me", b"secret"), bytes)
        assert_type(pop.retr_bytes(1), bytes)
        messages: Iterator[tuple[int, Any]] = pop.iter_retr([1, 2], return_exceptions=True)
        assert_type(next(messages)[0], int)
    error = error_proto(b"-ERR [IN-USE]")
    assert_type(error.code, ResponseCode | None)
    if error.code:
        assert_type(error.code.kind, CodeKind)
    pop.auth("PLAIN", 7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def asynchronous() -> None:
    async with await aio.connect("pops://host", timeout=None) as pop:
        assert_type(await pop.stat(), aio.Maildrop)
        assert_type(await pop.list(), list[tuple[int, int | None]])
        assert_type(await pop.uidl(), list[tuple[int, bytes]])
        assert_type(await pop.retr(1), bytes)
        async for number, _ in pop.iter_retr():
            assert_type(number, int)
