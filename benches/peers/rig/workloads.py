"""The mailboxes: seeded, so that every run of every program meets the same octets."""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

HEADER = b"From: a@example.org\nTo: b@example.org\nSubject: %d\nMIME-Version: 1.0\n\n"


@dataclass(frozen=True)
class Workload:
    """What is fetched, and from how far."""

    name: str
    what: str
    messages: int
    octets: int
    kind: str = "text"
    mailboxes: int = 1
    tls: bool = False
    delay_ms: int = 0

    @property
    def mailbox(self) -> str:
        """Workloads that agree in this share their mail."""
        return f"{self.kind}-{self.mailboxes}x{self.messages}x{self.octets}"


WORKLOADS = [
    Workload("small", "10,000 × 4 KiB text", 10_000, 4 << 10),
    Workload("large", "200 × 5 MiB base64", 200, 5 << 20, "base64"),
    Workload("large-tls", "200 × 5 MiB base64, TLS", 200, 5 << 20, "base64", tls=True),
    Workload("mixed", "3,000, log-normal, median 8 KiB", 3_000, 8 << 10, "log-normal"),
    Workload("far", "1,000 × 4 KiB, 25 ms each way", 1_000, 4 << 10, delay_ms=25),
    Workload("huge", "one message of 4 GiB", 1, 4 << 30, "base64"),
    Workload("wide", "1,000 mailboxes × 10 messages", 10, 4 << 10, mailboxes=1_000),
]


def users(workload: Workload) -> list[str]:
    return [f"u{number}" for number in range(1, workload.mailboxes + 1)]


def fill(maildir: Path, workload: Workload, user: str) -> None:
    """Writes a mailbox."""
    for name in ("cur", "new", "tmp"):
        (maildir / name).mkdir(parents=True)
    seeded = random.Random(f"{workload.mailbox} {user}")
    for number in range(1, workload.messages + 1):
        octets = workload.octets
        if workload.kind == "log-normal":
            octets = min(int(seeded.lognormvariate(0, 1.6) * octets) + 200, 20 << 20)
        with (maildir / "cur" / f"{number:08}.M0P1.bench:2,").open("wb") as file:
            file.write(HEADER % number)
            for piece in body(seeded, octets, workload.kind):
                file.write(piece)


def body(seeded: random.Random, octets: int, kind: str) -> Iterator[bytes]:
    """Lines of so many octets together, more or less. Those of text begin with a dot now and then."""
    if kind == "text":
        words = [bytes(seeded.choices(range(97, 123), k=seeded.randint(2, 11))) for _ in range(200)]
        while octets > 0:
            line = b" ".join(seeded.choices(words, k=10))
            yield (line := (b"." if seeded.random() < 0.01 else b"") + line + b"\n")
            octets -= len(line)
        return
    block = base64.encodebytes(seeded.randbytes(57 * 13_000))
    while octets > 0:
        # No two messages are alike, and a message of gigabytes does not take minutes to make.
        yield base64.encodebytes(seeded.randbytes(57)) + block[: octets // 77 * 77 + 77]
        octets -= min(len(block), octets) + 77


def digests(files: Iterable[Path], digest: Callable[[Path], str]) -> list[str]:
    """What the bodies of messages are told apart by. Programs add header fields of their own."""
    return sorted(map(digest, files))


def digest(path: Path) -> str:
    sha = hashlib.sha256()
    with path.open("rb") as file:
        skip_header(file)
        while piece := file.read(1 << 20):
            sha.update(piece.replace(b"\r", b""))
    return sha.hexdigest()


def stuffed(path: Path) -> str:
    """The digest of the body as it is sent, with the dots that the receiver is to take away."""
    sha = hashlib.sha256()
    with path.open("rb") as file:
        skip_header(file)
        for line in file:
            sha.update(b"." * line.startswith(b".") + line)
    return sha.hexdigest()


def skip_header(file: BinaryIO) -> None:
    for line in file:
        if line.strip(b"\r\n") == b"":
            return
