"""The connection is cut at every octet of a session: an error each time, and nothing that came
short is taken for whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import poplib_rs
import pytest
from poplib_rs import POP3, POP3_SSL, aio, error_proto

from conftest import Server, StartSandbox
from memory import Socket, client

# More than a session with the sandbox's three messages has, and a login by AUTH.
LONGEST = 2000
MESSAGES = 3

Session = Callable[[Server, list[bytes]], None]


def everything(pop: POP3, messages: list[bytes]) -> None:
    pop.user("alice")
    pop.pass_("secret")
    pop.capa()
    count, octets = pop.stat()
    assert (count, octets) == (MESSAGES, sum(int(line.split()[1]) for line in pop.list()[1]))
    assert len(pop.uidl()[1]) == MESSAGES
    for number in range(1, MESSAGES + 1):
        messages.append(b"\n".join(pop.retr(number)[1]))
    assert pop.top(1, 0)[1] == messages[0].partition(b"\n\n")[0].split(b"\n") + [b""]
    pop.dele(1)
    pop.rset()
    pop.quit()


def in_clear(server: Server, messages: list[bytes]) -> None:
    everything(POP3("localhost", server.plain_port, timeout=30), messages)


def by_tls(server: Server, messages: list[bytes]) -> None:
    context = server.context
    everything(POP3_SSL("localhost", server.tls_port, timeout=30, context=context), messages)


def by_asyncio(server: Server, messages: list[bytes]) -> None:
    async def converse() -> None:
        url = f"pops://alice@localhost:{server.tls_port}"
        pop = await aio.connect(url, password="secret", context=server.context)
        for number, _ in await pop.list():
            messages.append(await pop.retr(number))
        await pop.quit()

    async def bounded() -> None:
        async with asyncio.timeout(60):
            await converse()

    asyncio.run(bounded())


@pytest.mark.parametrize("session", [in_clear, by_tls, by_asyncio])
def test_a_cut_at_any_octet_is_an_error(sandbox: StartSandbox, session: Session) -> None:
    whole: list[bytes] = []
    session(sandbox(), whole)
    assert len(whole) == MESSAGES
    faults = (f"--misbehave=cut-after={octets}@{octets}" for octets in range(1, LONGEST))
    server = sandbox(*faults)
    for octets in range(1, LONGEST):
        messages: list[bytes] = []
        try:
            session(server, messages)
        except (error_proto, OSError, EOFError):
            assert messages == whole[: len(messages)], f"cut behind {octets} octets"
        else:
            break
    assert 500 < octets < LONGEST - 1, "that was the end of the session"
    assert messages == whole


class HardOfHearing(Socket):
    """A socket behind which so many octets arrive and no more."""

    def __init__(self, hears: int) -> None:
        message = b"Subject: x\r\n\r\n..\r\nend\r\n.\r\n"
        listing = b"1 20\r\n2 20\r\n3 20\r\n.\r\n"
        answers = [b"", b"", b"UIDL\r\n.\r\n", b"3 60", listing, listing]
        answers += [message] * MESSAGES + [b"Subject: x\r\n\r\n.\r\n", b"", b"", b""]
        in_one_line = [answer for answer in answers if b"\n" not in answer]
        super().__init__(
            [b"+OK\r\n"],
            [
                [b"+OK " + answer + b"\r\n" if answer in in_one_line else b"+OK\r\n" + answer]
                for answer in answers
            ],
        )
        self.hears = hears

    def sendall(self, octets: bytes) -> None:
        heard = octets[: self.hears]
        self.hears -= len(heard)
        super().sendall(heard)


def test_a_cut_at_any_octet_of_the_commands_is_an_error() -> None:
    whole: list[bytes] = []
    socket = HardOfHearing(LONGEST)
    everything(client(poplib_rs, socket), whole)
    commands = sum(map(len, socket.sent))
    for octets in range(commands):
        messages: list[bytes] = []
        with pytest.raises(error_proto):
            everything(client(poplib_rs, HardOfHearing(octets)), messages)
        assert messages == whole[: len(messages)], f"{octets} octets arrived"
