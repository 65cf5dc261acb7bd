"""Stories of calls behind each other, drawn while poplib performs them in memory."""

from __future__ import annotations

import io
import poplib
import random
from dataclasses import dataclass
from types import ModuleType
from typing import Any

CALLS = 40
# Of what a server has sent and nobody has read yet: more than any buffer holds.
MOST_PENDING = 160 * 1024
USUAL_MAXLINE = 2048

Outcome = tuple[str, Any]


@dataclass
class Step:
    """A call, what must have arrived before it, and what it comes to in poplib."""

    name: str
    arguments: tuple[Any, ...]
    begin: int
    arrived: int
    outcome: Outcome
    #: Answers that come only when they are asked for, as to a batch.
    answers: list[bytes]


class Tape(io.BytesIO):
    """What a server has sent so far, and how much of it was read."""

    ran_dry = False

    def readline(self, size: int | None = -1) -> bytes:
        line = super().readline(size)
        self.ran_dry = self.ran_dry or not line.endswith(b"\n") and len(line) != size
        return line

    def append(self, octets: bytes) -> None:
        place = self.tell()
        self.seek(0, io.SEEK_END)
        self.write(octets)
        self.seek(place)

    @property
    def pending(self) -> int:
        return len(self.getbuffer()) - self.tell()

    # It is poplib's socket, too.

    def makefile(self, mode: str) -> Tape:
        return self

    def sendall(self, octets: bytes) -> None:
        pass


def connected(module: ModuleType, sock: Any) -> Any:
    class Client(module.POP3):  # type: ignore[misc,name-defined]
        def _create_socket(self, timeout: object) -> Any:
            return sock

    return Client("server")


class Story:
    """A conversation, the same each time for one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.answers = 0
        self.tape = Tape()
        self.tape.append(b"+OK ready\r\n")
        #: Where answers begin, the method that fits them, and which are whole messages.
        self.fitting: dict[int, str] = {}
        self.messages: set[int] = set()
        poplib._MAXLINE = USUAL_MAXLINE  # type: ignore[attr-defined]
        self.client = connected(poplib, self.tape)
        self.steps: list[Step] = []
        for _ in range(CALLS):
            self.draw()
        # And then the connection ends.
        self.perform("read_all")
        self.sent = self.tape.getvalue()

    def draw(self) -> None:
        choice = self.random.random()
        if self.tape.pending > MOST_PENDING:
            self.read()
        elif choice < 0.35:
            self.ask()
        elif choice < 0.65:
            self.read()
        elif choice < 0.82:
            self.ask_and_read()
        elif choice < 0.9:
            self.change()
        else:
            self.go_beyond_poplib()

    def ask(self) -> None:
        """Sends a command, whose answer is left for later."""
        if self.random.random() < 0.7:
            self.append_long()
            self.perform("_putcmd", "RETR 1")
        else:
            self.append_short()
            self.perform("_putcmd", "NOOP")

    def read(self) -> None:
        """Reads what may be an answer of one line, of many, or no answer at all."""
        place = self.tape.tell()
        if self.random.random() < 0.8:
            if place in self.fitting:
                self.perform(self.fitting[place])
            else:
                # As a program would that knows where the next answer begins.
                beginnings = [*self.fitting, place + self.tape.pending]
                following = next(begin for begin in beginnings if begin >= place)
                self.perform("read", following - place)
            return
        names = ["_getresp", "_getlongresp", "_getline", "readline", "peek", "read"]
        name = self.random.choice(names)
        if name == "read":
            most = self.random.choice([100, 9000, 70_000, MOST_PENDING])
            self.perform("read", min(self.tape.pending, most))
        else:
            self.perform(name)

    def ask_and_read(self) -> None:
        number = self.random.randint(1, 9)
        long = [("retr", number), ("top", number, 3), ("list",), ("uidl",), ("_longcmd", "RETR 1")]
        short = [("noop",), ("dele", number), ("uidl", number), ("_shortcmd", "RSET")]
        if self.random.random() < 0.6:
            self.append_long()
            name, *arguments = self.random.choice(long)
        else:
            self.append_short()
            name, *arguments = self.random.choice(short)
        if not self.perform(str(name), *arguments):
            self.perform("_putcmd", "NOOP")

    def change(self) -> None:
        """What decides which way a call goes."""
        name, values = self.random.choice(
            [
                ("set_debuglevel", (0, 0, 1, 2)),
                ("_MAXLINE", (300, USUAL_MAXLINE, 1 << 20)),
                ("watch", (True, False)),
            ]
        )
        self.perform(name, self.random.choice(values))

    def go_beyond_poplib(self) -> None:
        """What poplib does not have, where its server would be in order."""
        if self.tape.tell() in self.messages:
            self.perform("retr_bytes", 1)
        if self.tape.pending:
            return
        count = self.random.randint(1, 6)
        listing = b"".join(b"%d 1000\r\n" % number for number in range(1, count + 1))
        answers = [b"+OK\r\nPIPELINING\r\n.\r\n", b"+OK\r\n" + listing + b".\r\n"]
        answers += [self.clean_answer() for _ in range(count)]
        answers += [self.short_answer(refused=False) + self.surplus()]
        arrived = len(self.tape.getbuffer())
        self.tape.append(b"".join(answers))
        self.perform("iter_retr", count, self.random.randint(1, count))
        self.steps[-1].arrived = arrived
        self.steps[-1].answers = answers

    def perform(self, name: str, *arguments: Any) -> bool:
        """Has poplib do it. It is no step if more were to be read for it than was sent."""
        begin = self.tape.tell()
        self.tape.ran_dry = False
        outcome = attempt(poplib, self.client, name, arguments)
        if self.tape.ran_dry:
            self.tape.seek(begin)
            return False
        arrived = len(self.tape.getbuffer())
        self.steps.append(Step(name, arguments, begin, arrived, outcome, []))
        return True

    # What the server says.

    def append_long(self) -> None:
        self.fitting[len(self.tape.getbuffer())] = "_getlongresp"
        answer = self.clean_answer()
        if self.random.random() < 0.75:
            self.messages.add(len(self.tape.getbuffer()))
        else:
            answer = self.strange(answer)
        self.tape.append(answer)

    def append_short(self) -> None:
        self.fitting[len(self.tape.getbuffer())] = "_getresp"
        self.tape.append(self.short_answer())

    def surplus(self) -> bytes:
        """What nobody asked for."""
        kinds = [b"", b"", self.short_answer(), self.short_answer() + self.clean_answer()]
        return self.random.choice(kinds)

    def short_answer(self, refused: bool = True) -> bytes:
        self.answers += 1
        words = [b"+OK", b"+OK", b"+OK", b"-ERR"] if refused else [b"+OK"]
        return b"%s short %d\r\n" % (self.random.choice(words), self.answers)

    def strange(self, answer: bytes) -> bytes:
        """Refused, with other line ends, or with a line that is too long."""
        choice = self.random.random()
        if choice < 0.3:
            return self.short_answer()
        if choice < 0.6:
            return answer.replace(b"\r\n", b"\n")
        overlong = b"y" * self.random.choice([2046, 2047, 2048, 5000, 9000, 70_000])
        lines = answer.splitlines(True)
        lines.insert(self.random.randrange(len(lines)), overlong + b"\r\n")
        return b"".join(lines)

    def clean_answer(self) -> bytes:
        """Each line tells whose it is."""
        self.answers += 1
        longest = self.random.choice([0, 20, 70, 200])
        octets = self.random.choice([0, 100, 1000, 7000, 8200, 20_000, 66_000, 100_000])
        octets = self.random.randint(octets // 2, octets)
        lines = [b"+OK long %d\r\n" % self.answers]
        while octets > 0:
            stuffed = b".." if self.random.random() < 0.05 else b""
            filler = b"x" * self.random.randint(0, longest)
            lines.append(b"%s%d:%d%s\r\n" % (stuffed, self.answers, len(lines), filler))
            octets -= len(lines[-1])
        return b"".join([*lines, b".\r\n"])


def attempt(module: ModuleType, client: Any, name: str, arguments: tuple[Any, ...]) -> Outcome:
    try:
        return "value", call(module, client, name, arguments)
    except (module.error_proto, OSError) as error:
        return "error", error.args


def call(module: Any, client: Any, name: str, arguments: tuple[Any, ...]) -> Any:
    """What a story's step is in each of the two modules."""
    match name:
        case "_MAXLINE":
            module._MAXLINE = arguments[0]
        case "watch":
            watch(client, arguments[0])
        case "peek":
            # As much as there happens to be, and the end of it is nobody's business.
            return client.file.peek(1) if hasattr(client.file, "peek") else peek(client.file)
        case "read":
            return client.file.read(*arguments)
        case "read_all":
            return client.file.read()
        case "readline":
            return client.file.readline()
        case "retr_bytes" if module is poplib:
            return whole(client.retr(*arguments))
        case "iter_retr" if module is poplib:
            client.capa(), client.list()
            messages = [(number, whole(client.retr(number))) for number in range(1, arguments[0] + 1)]
            return messages[: arguments[1]], client.noop()
        case "iter_retr":
            batch = client.iter_retr()
            # What was asked for and not taken must not get into what is called next.
            return [next(batch) for _ in range(arguments[1])], client.noop()
        case _:
            return getattr(client, name)(*arguments)


def peek(tape: Tape) -> None:
    tape.ran_dry = not tape.pending


def whole(answer: tuple[bytes, list[bytes], int]) -> bytes:
    return b"".join(line + b"\r\n" for line in answer[1])


def watch(client: Any, begin: bool) -> None:
    """Has each call of a method noticed, so that there is no way past it; or no longer."""
    vars(client).pop("_getline", None)
    if begin:
        original = client._getline
        client._getline = lambda: original()
