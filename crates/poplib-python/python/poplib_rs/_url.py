"""Where a server is: ``pops://user@host`` (RFC 2384, and implicit TLS)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_SCHEMES = {"pop": False, "pop3": False, "pops": True, "pop3s": True}


@dataclass(frozen=True)
class Server:
    """What a URL says."""

    host: str
    port: int
    implicit_tls: bool
    user: str | None
    mechanism: str | None

    @classmethod
    def of_url(cls, url: str) -> Server:
        """Read ``pops://[user[;AUTH=mechanism]@]host[:port]``, or ``pop://`` for STLS.

        ``;AUTH=*`` is any mechanism, and the same as none. ValueError says what is wrong.
        """
        parts = urlsplit(url)
        if parts.scheme not in _SCHEMES:
            raise ValueError(f"the scheme must be one of {', '.join(_SCHEMES)}")
        if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError("the URL must be of the form pops://user@host:port")
        if parts.password is not None:
            raise ValueError("a password does not belong into a URL")
        implicit_tls = _SCHEMES[parts.scheme]
        user, mechanism = _user(parts.username or "")
        port = parts.port or (995 if implicit_tls else 110)
        return cls(parts.hostname, port, implicit_tls, user, mechanism)


def _user(text: str) -> tuple[str | None, str | None]:
    user, separator, mechanism = text.partition(";")
    if separator and mechanism[:5].upper() != "AUTH=":
        raise ValueError("what follows the user must be ;AUTH=mechanism")
    user, mechanism = unquote(user, errors="strict"), unquote(mechanism[5:])
    if any(not character.isprintable() for character in user + mechanism):
        raise ValueError("the user holds a character that cannot be sent")
    return user or None, None if mechanism in ("", "*") else mechanism
