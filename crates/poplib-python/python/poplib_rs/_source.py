"""What is below a client's file."""

from __future__ import annotations

import io
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class Source(io.RawIOBase):
    """A stream to which octets can be given back, and that knows when it may be read past the
    buffer above: when that is drained. Whatever fills the buffer comes through here.
    """

    def __init__(self, stream: Any, sock: Any = None) -> None:
        self.socket = sock  #: what the stream reads, if that is known
        self.is_drained = True  #: whether the buffer above is known to hold nothing
        self._stream = stream
        self._ahead = b""
        self._timed_out = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        self.is_drained = False
        if self._ahead:
            view = memoryview(buffer).cast("B")
            length = min(len(view), len(self._ahead))
            view[:length] = self._ahead[:length]
            self._ahead = self._ahead[length:]
            return length
        if self._timed_out:
            raise OSError("cannot read from timed out object")
        read = getattr(self._stream, "readinto1", self._stream.readinto)
        length_read: int | None = read(buffer)
        return length_read

    def give_back(self, octets: bytes) -> None:
        """Have these octets read next. The buffer above must be drained."""
        self.is_drained = False
        self._ahead = octets + self._ahead

    def after(self, error: Exception) -> bytes:
        """What a stream reads if a socket read past it raises this."""
        if isinstance(error, TimeoutError):
            self._timed_out = True
            self.is_drained = False
        elif isinstance(error, BlockingIOError) or _is_ragged_end(self.socket, error):
            return b""
        raise error

    def fileno(self) -> int:
        number: int = self._stream.fileno()
        return number

    def close(self) -> None:
        if not self.closed:
            super().close()
            self.socket = None
            self._stream.close()

    @property
    def name(self) -> Any:
        return self._stream.name

    @property
    def mode(self) -> Any:
        return self._stream.mode


def open_file(sock: Any) -> Any:
    """Return the file of a socket, over a Source if it is one as Python makes them."""
    file = sock.makefile("rb")
    if type(file) is io.BufferedReader and type(file.raw) is socket.SocketIO:
        return io.BufferedReader(Source(file.detach(), sock))
    return file


def with_octets(file: Any, octets: bytes) -> Any:
    """Return a file that goes on with these octets. ``file`` must have nothing buffered."""
    source = getattr(file, "raw", None)
    if type(source) is not Source:
        source = Source(file)
        file = io.BufferedReader(source)
    source.give_back(octets)
    return file


def _is_ragged_end(sock: Any, error: Exception) -> bool:
    """Whether it is the end of a TLS session that SSLSocket takes for that of the stream."""
    try:
        import ssl
    except ImportError:
        return False
    return (
        isinstance(error, ssl.SSLError)
        and error.args[0] == ssl.SSL_ERROR_EOF
        and sock.suppress_ragged_eofs
    )
