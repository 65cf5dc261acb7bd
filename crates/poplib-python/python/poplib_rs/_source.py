"""What is below a client's file."""

from __future__ import annotations

import io
import socket
from typing import TYPE_CHECKING, Any

from ._native import give_back

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class Source(io.RawIOBase):
    """A stream to which octets can be given back, and that may be read past itself and the
    buffer above when both are known to hold nothing. Whatever fills the buffer comes through here.
    """

    socket: Any  #: what the stream reads, if that is known and may be read past this
    ahead: bytes  #: what is read before the stream goes on
    is_drained: bool  #: whether there is nothing ahead, and the buffer was asked and had nothing
    is_asked: bool  #: whether it is only the buffer that is asked for octets

    def __init__(self, stream: Any, sock: Any = None, ahead: bytes = b"") -> None:
        self.socket = sock
        self.ahead = ahead
        self.is_drained = not ahead
        self.is_asked = False
        self._stream = stream
        self._timed_out = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        if self.is_asked:
            return None
        self.is_drained = False
        if self.ahead:
            length = _copy(buffer, self.ahead)
            self.ahead = self.ahead[length:]
            return length
        if self._timed_out:
            raise OSError("cannot read from timed out object")
        try:
            return self._read_stream(buffer)
        except TimeoutError:
            self.socket = None
            raise

    def _read_stream(self, buffer: WriteableBuffer) -> int | None:
        # Where the stream has a buffer, its readinto1 may wait for more than that holds.
        read1 = getattr(self._stream, "read1", None)
        if read1 is not None:
            return _copy(buffer, read1(memoryview(buffer).nbytes))
        length: int | None = self._stream.readinto(buffer)
        return length

    def after(self, error: Exception) -> bytes:
        """What a stream reads if a socket read past it raises this."""
        if isinstance(error, TimeoutError):
            # A socket.SocketIO reads nothing more then either.
            self._timed_out = True
            self.socket = None
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


def _copy(buffer: WriteableBuffer, octets: bytes) -> int:
    """Copy as much as there is room for."""
    view = memoryview(buffer).cast("B")
    length = min(len(view), len(octets))
    view[:length] = octets[:length]
    return length


_MAKEFILE = socket.socket.makefile


def open_file(sock: Any) -> Any:
    """Return the file of a socket, over a Source if it is one as Python makes them."""
    makefile = sock.makefile
    file = makefile("rb")
    # Of a file that another function made we cannot know that it is new and holds nothing.
    if (
        getattr(makefile, "__func__", None) is _MAKEFILE
        and type(file) is io.BufferedReader
        and type(file.raw) is socket.SocketIO
    ):
        return _buffered(Source(file.detach(), sock))
    return file


def with_octets(file: Any, octets: bytes) -> Any:
    """Return a file that goes on with these octets, and then as this one does."""
    if type(file) is io.BufferedReader and type(file.raw) is Source:
        give_back(file, octets)
        return file
    return _buffered(Source(file, ahead=octets))


def _buffered(source: Source) -> io.BufferedReader:
    return io.BufferedReader(source, io.DEFAULT_BUFFER_SIZE)


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
