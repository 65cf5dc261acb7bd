"""POP3 with the interface of the standard library's poplib, many times faster.

``import poplib_rs as poplib`` is all that a program needs to change. Everything poplib has is
here under the same names and behaves the same; what differs is listed in the migration page.

Beyond poplib: ``auth``, ``lang``, ``retr_bytes``, ``iter_retr`` and ``with`` on POP3,
``error_proto.code``, ``connect(url)``, and ``poplib_rs.aio`` for asyncio.
"""

from __future__ import annotations

import errno
import re
import socket
import sys
import warnings
from typing import Any, Final

from . import _native
from ._codes import CodeKind as CodeKind
from ._codes import ResponseCode as ResponseCode
from ._extensions import Extensions
from ._source import Source, open_file

try:
    import ssl

    HAVE_SSL = True
except ImportError:
    HAVE_SSL = False

__all__ = ["POP3", "error_proto"]

POP3_PORT: Final = 110
POP3_SSL_PORT: Final = 995

CR: Final = b"\r"
LF: Final = b"\n"
CRLF: Final = CR + LF

# The most octets of one line, line end included. Programs set it to what they need.
_MAXLINE = 2048

_DEFAULT_TIMEOUT: Any = socket._GLOBAL_DEFAULT_TIMEOUT  # type: ignore[attr-defined]
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_LongResponse = tuple[bytes, list[bytes], int]
_Capabilities = dict[str, list[str]]


class error_proto(Exception):
    """The server refused, or did not speak POP3; the argument is its line, or a text."""

    @property
    def code(self) -> ResponseCode | None:
        """The response code of a refusal (RFC 2449), such as ``IN-USE``, if it has one."""
        line = self.args[0] if self.args else None
        return ResponseCode.of_line(line) if isinstance(line, bytes) else None


class POP3(Extensions):
    """A POP3 session.

    Message numbers may be given as integers or as text: ``retr(1)`` and ``retr('1')`` are the
    same. What the server refuses raises ``error_proto``; what the socket raises passes through.

        AUTHORIZATION   user pass_ apop rpop auth utf8 stls capa lang quit
        TRANSACTION     stat list uidl retr top dele noop rset capa lang quit
                        retr_bytes iter_retr

    The maildrop is locked from login to ``quit()``, and without ``quit()`` nothing is deleted.
    """

    encoding = "UTF-8"
    timestamp = re.compile(rb"\+OK.[^<]*(<.*>)")

    host: str
    port: int
    sock: Any
    file: Any
    welcome: bytes
    _debugging: int
    _tls_established: bool
    _stakes: Any = None

    def __init__(
        self,
        host: str,
        port: int = POP3_PORT,
        timeout: float | None = _DEFAULT_TIMEOUT,
    ) -> None:
        self.host = host
        self.port = port
        self._tls_established = False
        sys.audit("poplib.connect", self, host, port)
        self.sock = self._create_socket(timeout)
        self.file = open_file(self.sock)
        self._debugging = 0
        self.welcome = self._getresp()

    def _create_socket(self, timeout: float | None) -> socket.socket:
        if timeout is not None and not timeout:
            raise ValueError("Non-blocking socket (timeout=0) is not supported")
        return socket.create_connection((self.host, self.port), timeout)

    # One line to the server, one line from it.

    def _putline(self, line: bytes) -> None:
        if self._debugging > 1:
            print("*put*", repr(line))
        sys.audit("poplib.putline", self, line)
        self.sock.sendall(line + CRLF)

    def _putcmd(self, line: str) -> None:
        if self._batch is not None:
            self._settle()
        if self._debugging:
            print("*cmd*", repr(line))
        octets = bytes(line, self.encoding)
        if not line.isprintable() and _CONTROL.search(octets):
            raise ValueError("Control characters not allowed in commands")
        self._putline(octets)

    def _getline(self) -> tuple[bytes, int]:
        if self._batch is not None:
            self._settle()
        line = self.file.readline(_MAXLINE + 1)
        if len(line) > _MAXLINE:
            raise error_proto("line too long")
        if self._debugging > 1:
            print("*get*", repr(line))
        # poplib takes the last octet of a line that was cut off for its line end, so that a message
        # of which `..` came last is whole to it.
        if not line.endswith(b"\n"):
            raise error_proto("-ERR EOF")
        octets = len(line)
        if line[-2:] == CRLF:
            return line[:-2], octets
        if line[:1] == CR:
            return line[1:-1], octets
        return line[:-1], octets

    # An answer of one line, an answer of many.

    def _getresp(self) -> bytes:
        resp, _ = self._getline()
        if self._debugging > 1:
            print("*resp*", repr(resp))
        if not resp.startswith(b"+"):
            raise error_proto(resp)
        return resp

    def _getlongresp(self) -> _LongResponse:
        answer = _SHORTCUT.read_answer(self, _MAXLINE)
        if answer is not None:
            return answer
        return self._getresp(), *self._getlines()

    def _getlines(self) -> tuple[list[bytes], int]:
        lines: list[bytes] = []
        octets = 0
        line, length = self._getline()
        while line != b".":
            if line.startswith(b".."):
                length -= 1
                line = line[1:]
            octets += length
            lines.append(line)
            line, length = self._getline()
        return lines, octets

    def _shortcmd(self, line: str) -> bytes:
        self._putcmd(line)
        return self._getresp()

    def _longcmd(self, line: str) -> _LongResponse:
        answer = _SHORTCUT.ask(self, line, _MAXLINE)
        if answer is not None:
            return answer
        self._putcmd(line)
        return self._getlongresp()

    # What can be asked without the server.

    def getwelcome(self) -> bytes:
        """Return the server's greeting."""
        return self.welcome

    def set_debuglevel(self, level: int) -> None:
        """Print nothing (0), each command (1), or each line sent and received too (2).

        Passwords are printed like everything else.
        """
        self._debugging = level

    # The commands.

    def user(self, user: Any) -> bytes:
        """Name the user; return the response, which asks for a password."""
        return self._shortcmd("USER %s" % user)

    def pass_(self, pswd: Any) -> bytes:
        """Send the password; return the response. The maildrop is locked from here on."""
        return self._shortcmd("PASS %s" % pswd)

    def stat(self) -> tuple[int, int]:
        """Return the number of messages and their octets."""
        words = self._shortcmd("STAT").split()
        if self._debugging:
            print("*stat*", repr(words))
        if len(words) < 3:
            raise error_proto("Invalid STAT response format")
        try:
            return int(words[1]), int(words[2])
        except ValueError:
            raise error_proto("Invalid STAT response data: non-numeric values")

    def list(self, which: Any = None) -> Any:
        """Return ``(response, [b'number octets', ...], octets)``.

        For one message, return the response alone, which holds its number and octets.
        """
        if which is not None:
            return self._shortcmd("LIST %s" % which)
        return self._longcmd("LIST")

    def retr(self, which: Any) -> _LongResponse:
        """Return a message as ``(response, [line, ...], octets)``."""
        return self._longcmd("RETR %s" % which)

    def dele(self, which: Any) -> bytes:
        """Mark a message for deletion, which happens at ``quit()``; return the response."""
        return self._shortcmd("DELE %s" % which)

    def noop(self) -> bytes:
        """Do nothing, which shows that the server is there; return the response."""
        return self._shortcmd("NOOP")

    def rset(self) -> bytes:
        """Unmark all messages marked for deletion; return the response."""
        return self._shortcmd("RSET")

    def quit(self) -> bytes:
        """Have the marked messages deleted, and close the connection; return the response."""
        resp = self._shortcmd("QUIT")
        self.close()
        return resp

    def close(self) -> None:
        """Close the connection, whatever state it is in. Nothing is deleted."""
        self._batch = None
        self._stakes = None
        try:
            file = self.file
            self.file = None
            if file is not None:
                file.close()
        finally:
            sock = self.sock
            self.sock = None
            if sock is not None:
                _shut_down(sock)

    # The optional commands.

    def rpop(self, user: Any) -> bytes:
        """Log in as the Berkeley r-commands do, by the host's word; return the response."""
        return self._shortcmd("RPOP %s" % user)

    def apop(self, user: Any, password: str) -> bytes:
        """Log in with a digest of the password and the greeting's timestamp.

        Return the response. The digest is MD5: whoever listens can guess the password from it.
        """
        secret = bytes(password, self.encoding)
        found = self.timestamp.match(self.welcome)
        if not found:
            raise error_proto("-ERR APOP not supported by server")
        import hashlib

        digest = hashlib.md5(found.group(1) + secret).hexdigest()
        return self._shortcmd("APOP %s %s" % (user, digest))

    def top(self, which: Any, howmuch: Any) -> _LongResponse:
        """Return a message's header and so many lines of its body, like ``retr``."""
        return self._longcmd("TOP %s %s" % (which, howmuch))

    def uidl(self, which: Any = None) -> Any:
        """Return ``(response, [b'number unique-id', ...], octets)``.

        For one message, return the response alone, which holds its number and unique-id.
        """
        if which is not None:
            return self._shortcmd("UIDL %s" % which)
        return self._longcmd("UIDL")

    def utf8(self) -> bytes:
        """Ask for UTF-8 (RFC 6856), before login; return the response."""
        return self._shortcmd("UTF8")

    def capa(self) -> _Capabilities:
        """Return what the server can do now (RFC 2449), as ``{name: [argument, ...]}``."""
        capabilities: _Capabilities = {}
        try:
            for line in self._longcmd("CAPA")[1]:
                words = line.decode("ascii").split()
                capabilities[words[0]] = words[1:]
        except error_proto:
            raise error_proto("-ERR CAPA not supported by server")
        return capabilities

    def stls(self, context: "ssl.SSLContext | None" = None) -> bytes:
        """Go on under TLS (RFC 2595), before login; return the response.

        Without a context of yours the server's certificate is not verified, as in poplib:
        ``ssl.create_default_context()`` makes one that verifies.
        """
        if not HAVE_SSL:
            raise error_proto("-ERR TLS support missing")
        if self._tls_established:
            raise error_proto("-ERR TLS session already established")
        if "STLS" not in self.capa():
            raise error_proto("-ERR STLS not supported by server")
        if context is None:
            context = _context()
        resp = self._shortcmd("STLS")
        self._require_silence()
        self.sock = context.wrap_socket(self.sock, server_hostname=self.host)
        self.file = open_file(self.sock)
        self._tls_established = True
        return resp

    def _require_silence(self) -> None:
        """Nothing that came before TLS may be taken for an answer under TLS (CVE-2021-22947)."""
        if not isinstance(self.sock, socket.socket):
            return
        timeout = self.sock.gettimeout()
        self.sock.setblocking(False)
        try:
            early = self.file.peek(1)
        finally:
            self.sock.settimeout(timeout)
        if early:
            self.close()
            raise error_proto("-ERR data before TLS")


_SHORTCUT: Final = _native.Shortcut(POP3, Source)


def _context(**files: str | None) -> ssl.SSLContext:
    """poplib's own default, which verifies nothing."""
    context: ssl.SSLContext = ssl._create_stdlib_context(**files)  # type: ignore[attr-defined]
    return context


def _shut_down(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError as error:
        # The server may have been first. Windows calls that WSAEINVAL.
        if error.errno != errno.ENOTCONN and getattr(error, "winerror", 0) != 10022:
            raise
    finally:
        sock.close()


if HAVE_SSL:

    class POP3_SSL(POP3):
        """A POP3 session under TLS from the first octet.

        Without a context of yours the server's certificate is not verified, as in poplib:
        ``ssl.create_default_context()`` makes one that verifies.
        """

        context: ssl.SSLContext

        if sys.version_info >= (3, 12):

            def __init__(
                self,
                host: str,
                port: int = POP3_SSL_PORT,
                *,
                timeout: float | None = _DEFAULT_TIMEOUT,
                context: ssl.SSLContext | None = None,
            ) -> None:
                if context is None:
                    context = _context()
                self.context = context
                POP3.__init__(self, host, port, timeout)

            def stls(self, context: Any = None) -> Any:
                """Raise error_proto: the session is under TLS already."""
                raise error_proto("-ERR TLS session already established")

        else:

            def __init__(
                self,
                host: str,
                port: int = POP3_SSL_PORT,
                keyfile: str | None = None,
                certfile: str | None = None,
                timeout: float | None = _DEFAULT_TIMEOUT,
                context: ssl.SSLContext | None = None,
            ) -> None:
                for name, given in (("keyfile", keyfile), ("certfile", certfile)):
                    if context is not None and given is not None:
                        raise ValueError(
                            f"context and {name} arguments are mutually exclusive"
                        )
                if keyfile is not None or certfile is not None:
                    warnings.warn(
                        "keyfile and certfile are deprecated, use a custom context instead",
                        DeprecationWarning,
                        2,
                    )
                self.keyfile = keyfile
                self.certfile = certfile
                if context is None:
                    context = _context(certfile=certfile, keyfile=keyfile)
                self.context = context
                POP3.__init__(self, host, port, timeout)

            def stls(  # type: ignore[override]
                self, keyfile: Any = None, certfile: Any = None, context: Any = None
            ) -> Any:
                """Raise error_proto: the session is under TLS already."""
                raise error_proto("-ERR TLS session already established")

        def _create_socket(self, timeout: float | None) -> ssl.SSLSocket:
            sock = POP3._create_socket(self, timeout)
            return self.context.wrap_socket(sock, server_hostname=self.host)

    __all__.append("POP3_SSL")

    from ._connect import connect

    __all__.append("connect")
