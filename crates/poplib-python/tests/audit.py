"""poplib's audit events. A hook stays for ever, so there is one for all tests."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

Event = tuple[str, tuple[Any, ...]]

_recording: list[Event] | None = None
_forbidden: tuple[str, BaseException] | None = None


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not event.startswith("poplib."):
        return
    if _recording is not None:
        _recording.append((event, arguments[1:]))
    if _forbidden is not None and _forbidden[0] == event:
        raise _forbidden[1]


sys.addaudithook(_hook)


@contextlib.contextmanager
def recorded() -> Iterator[list[Event]]:
    """Records events, without the client that they are about."""
    global _recording
    _recording = events = []
    try:
        yield events
    finally:
        _recording = None


@contextlib.contextmanager
def forbidden(event: str, error: BaseException) -> Iterator[None]:
    """Raises this at the event."""
    global _forbidden
    _forbidden = event, error
    try:
        yield
    finally:
        _forbidden = None
