"""Fetches a mailbox as a program would that uses the standard library's poplib.

    with_poplib.py PORT DIRECTORY [CERTIFICATE]
"""

from __future__ import annotations

import poplib
import ssl
import sys
from pathlib import Path


def main(port: str, directory: str, certificate: str | None = None) -> None:
    client: poplib.POP3
    if certificate:
        context = ssl.create_default_context(cafile=certificate)
        client = poplib.POP3_SSL("localhost", int(port), context=context)
    else:
        client = poplib.POP3("localhost", int(port))
    client.user("u1")
    client.pass_("secret")
    count, _ = client.stat()
    for number in range(1, count + 1):
        lines = client.retr(number)[1]
        Path(directory, str(number)).write_bytes(b"\n".join(lines) + b"\n")
    client.quit()


main(*sys.argv[1:])
