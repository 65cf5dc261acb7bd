"""The sandbox on loopback, which serves mail that it makes up while it sends; the password is `secret`."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator

from .programs import SANDBOX


@contextlib.contextmanager
def sandbox(*options: str) -> Iterator[int]:
    """Starts one. Its port in the clear."""
    with subprocess.Popen([SANDBOX, *options], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            line = next(line for line in server.stdout if line.startswith("plain"))
            yield int(line.rsplit(":", 1)[1])
        finally:
            server.terminate()


def generated(messages: int, octets: int) -> contextlib.AbstractContextManager[int]:
    """Starts one with so many messages of so many octets, for alice."""
    return sandbox("--generate", str(messages), "--octets", str(octets))
