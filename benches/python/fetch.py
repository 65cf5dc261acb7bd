"""Fetches a mailbox with one module in one way, and tells in JSON what that cost.

    fetch.py MODULE WAY PORT [CERTIFICATE]
"""

from __future__ import annotations

import importlib
import json
import resource
import ssl
import sys
import time
from typing import Any


def main(module: str, way: str, port: str, certificate: str | None = None) -> None:
    poplib = importlib.import_module(module)
    client: Any
    if certificate:
        context = ssl.create_default_context(cafile=certificate)
        client = poplib.POP3_SSL("localhost", int(port), context=context)
    else:
        client = poplib.POP3("localhost", int(port))
    client.user("me")
    client.pass_("secret")
    count, _ = client.stat()
    before, begun = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    octets = 0
    if way == "retr":
        for number in range(1, count + 1):
            octets += client.retr(number)[2]
    elif way == "iter_retr":
        for _, message in client.iter_retr():
            octets += len(message)
    else:
        octets = bare(client.sock, count)
    wall, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_SELF)
    client.quit()
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    print(json.dumps({"octets": octets, "wall": wall, "user": user, "system": system}))


def bare(sock: Any, count: int) -> int:
    """Commands out, octets in, and nothing done with them: what Python's own sockets cost.

    Straight to the methods written in C, past those of ssl.SSLSocket.
    """
    buffer, octets = bytearray(1 << 16), 0
    view = memoryview(buffer)
    receive, send = sock.recv_into, sock.sendall
    if isinstance(sock, ssl.SSLSocket):
        read, send = sock._sslobj.read, sock._sslobj.write  # type: ignore[attr-defined]

        def receive(into: bytearray) -> int:
            return int(read(len(into), into))

    for number in range(1, count + 1):
        send(b"RETR %d\r\n" % number)
        end = b""
        while end != b"\r\n.\r\n":
            received = receive(buffer)
            octets += received
            end = (end + bytes(view[max(0, received - 5) : received]))[-5:]
    return octets


main(*sys.argv[1:])
