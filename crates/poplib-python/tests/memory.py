"""A server in memory: what it says is written down beforehand."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any


class Wire(io.RawIOBase):
    """The stream from the server: chunks that come one a read, and exceptions between them."""

    def __init__(self) -> None:
        self.coming: list[bytes | BaseException] = []

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self.coming:
            return 0
        chunk = self.coming.pop(0)
        if isinstance(chunk, BaseException):
            raise chunk
        assert len(chunk) <= len(buffer), "poplib's own buffer must hold it too"
        buffer[: len(chunk)] = chunk
        return len(chunk)


class Socket:
    """A socket whose other end answers each line with the next of ``answers``."""

    def __init__(
        self,
        greeting: Iterable[bytes | BaseException],
        answers: Iterable[Iterable[bytes | BaseException]],
    ) -> None:
        self.wire = Wire()
        self.wire.coming.extend(greeting)
        self.answers = iter(answers)
        self.sent: list[bytes] = []
        self.events: list[str] = []

    def makefile(self, mode: str) -> io.BufferedReader:
        assert mode == "rb"
        return io.BufferedReader(self.wire)

    def sendall(self, octets: bytes) -> None:
        self.sent.append(octets)
        for _ in range(octets.count(b"\n")):
            self.wire.coming.extend(next(self.answers, ()))

    def shutdown(self, how: int) -> None:
        self.events.append(f"shutdown {how}")

    def close(self) -> None:
        self.events.append("close")


def client(module: Any, socket: Socket) -> Any:
    """A client of the module's, connected to the server in memory."""

    class Client(module.POP3):  # type: ignore[misc]
        def _create_socket(self, timeout: object) -> Socket:
            return socket

    return Client("server", 110)
