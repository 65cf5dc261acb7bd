"""Connecting the way it should be done today."""

from __future__ import annotations

import contextlib
import ssl

from . import POP3, POP3_SSL, error_proto
from ._url import Server


def connect(
    url: str,
    *,
    password: str | bytes | None = None,
    token: str | None = None,
    context: ssl.SSLContext | None = None,
    timeout: float | None = 60.0,
    allow_plaintext: bool = False,
) -> POP3:
    """Connect to ``pops://host``, or ``pop://host`` with STLS; return a POP3.

    The server's certificate is verified against what the system trusts, unless you pass a
    context that does otherwise. Where a ``pop://`` server does not offer STLS, error_proto is
    raised; ``allow_plaintext`` goes on without TLS.

    With ``password`` or ``token`` the URL's user is logged in with the strongest mechanism, or
    with that of ``pops://user;AUTH=mechanism@host`` and no other.
    """
    server = Server.of_url(url)
    if (password is not None or token is not None) and server.user is None:
        raise ValueError("the URL names no user to log in")
    context = context or ssl.create_default_context()
    client: POP3
    if server.implicit_tls:
        client = POP3_SSL(server.host, server.port, timeout=timeout, context=context)
    else:
        client = POP3(server.host, server.port, timeout)
    try:
        if not server.implicit_tls:
            if not allow_plaintext or _offers_stls(client):
                client.stls(context)
        if server.user is not None and (password is not None or token is not None):
            client.auth(
                server.mechanism,
                server.user,
                password,
                token=token,
                allow_plaintext=allow_plaintext,
            )
    except BaseException:
        # A socket whose handshake has failed is gone already.
        with contextlib.suppress(OSError):
            client.close()
        raise
    return client


def _offers_stls(client: POP3) -> bool:
    try:
        return "STLS" in client.capa()
    except error_proto:
        return False
