"""Response codes: what stands in brackets in front of a reply's text."""

from __future__ import annotations

import enum

from . import _native


class CodeKind(enum.Enum):
    """What a response code means (RFC 2449 §8, RFC 3206, RFC 6856)."""

    LOGIN_DELAY = "LOGIN-DELAY"  #: the last login is too recent
    IN_USE = "IN-USE"  #: another session holds the maildrop
    SYS_TEMP = "SYS/TEMP"  #: a fault of the server that may pass
    SYS_PERM = "SYS/PERM"  #: a fault of the server that somebody must mend
    AUTH = "AUTH"  #: the credentials are wrong
    UTF8 = "UTF8"  #: the credentials or the maildrop need UTF-8
    OTHER = ""  #: none of these


class ResponseCode(str):
    """A response code as the server wrote it, without the brackets."""

    kind: CodeKind
    is_retryable: bool  #: whether the same attempt may succeed later, unchanged

    @classmethod
    def of_line(cls, line: bytes) -> ResponseCode | None:
        """Return the code of a status line such as ``b'-ERR [IN-USE] …'``, if it has one."""
        found = _native.response_code(line)
        if found is None:
            return None
        text, kind, is_retryable = found
        code = cls(text)
        code.kind = CodeKind(kind)
        code.is_retryable = is_retryable
        return code
