"""A hundred thousand calls must leave nothing behind."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import poplib_rs

from memory import Socket, client

CALLS = 100_000
BODY = b"+OK\r\n" + b"a line of text\r\n" * 20 + b"..\r\n.\r\n"


def answers() -> Iterator[list[bytes | BaseException]]:
    while True:
        yield [BODY]
        yield [b"+OK\r\n"]
        yield [b"-ERR [IN-USE] no\r\n"]
        yield [BODY]
        yield [b"+OK\r\n", b"x" * 3000 + b"\r\n.\r\n"]


def test_calls_leave_nothing_behind() -> None:
    sock = Socket([b"+OK\r\n"], answers())
    pop = client(poplib_rs, sock)
    before = 0
    for call in range(CALLS // 5):
        pop.retr(1)
        pop.noop()
        try:
            pop.dele(1)
        except poplib_rs.error_proto as error:
            assert error.code == "IN-USE"
        pop.retr_bytes(1)
        try:
            pop.retr(1)
        except poplib_rs.error_proto:
            pop.file.readline()
            pop.file.readline()
        sock.sent.clear()
        if call == CALLS // 50:
            before = blocks()
    assert abs(blocks() - before) < 200


def blocks() -> int:
    gc.collect()
    return sys.getallocatedblocks()
