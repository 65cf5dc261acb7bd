"""Giving octets back to a file."""

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


def push_back(file: io.BufferedReader, octets: bytes) -> io.BufferedReader:
    """Return a file that goes on with ``octets`` and then with what ``file`` has to come.

    ``file`` must have nothing buffered. The new file owns it.
    """
    if isinstance(file.raw, _Replay):
        file.raw.octets = octets + file.raw.octets
        return file
    return io.BufferedReader(_Replay(octets, file))


class _Replay(io.RawIOBase):
    def __init__(self, octets: bytes, file: io.BufferedReader) -> None:
        self.octets = octets
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        if not self.octets:
            return self._file.readinto1(buffer)
        view = memoryview(buffer).cast("B")
        length = min(len(view), len(self.octets))
        view[:length] = self.octets[:length]
        self.octets = self.octets[length:]
        return length

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._file.close()
