from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Server:
    """A server on loopback, and a context that trusts it."""

    plain_port: int
    tls_port: int
    context: ssl.SSLContext


StartSandbox = Callable[..., Server]


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[StartSandbox]:
    """Starts poplib-sandbox, where ``alice`` has the password ``secret``."""
    program = os.environ.get("POPLIB_SANDBOX") or shutil.which("poplib-sandbox")
    if not program:
        pytest.skip("POPLIB_SANDBOX does not name the program; crates/poplib-python/check does")
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> Server:
        authority = tmp_path / f"ca{len(started)}.pem"
        command = [program, "--ca-out", str(authority), *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        ports = [int(process.stdout.readline().rsplit(":", 1)[1]) for _ in range(2)]
        return Server(*ports, ssl.create_default_context(cafile=authority))

    yield start
    for process in started:
        process.terminate()
        process.communicate()
