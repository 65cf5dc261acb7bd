"""Takes mail by SMTP from `me`, who logs in with `sesame` under TLS, as it comes."""

import asyncio
import itertools
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

directory, starttls_port, tls_port = sys.argv[1:]
directory = pathlib.Path(directory)
names = map(str, itertools.count(1))
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(directory / "server.pem", directory / "server.key")


class Taker:
    async def handle_DATA(self, server, session, envelope):
        (recipient,) = envelope.rcpt_tos
        name, maildir = next(names), directory / "mail" / recipient / "Maildir"
        for part in ["tmp", "new", "cur"]:
            (maildir / part).mkdir(parents=True, exist_ok=True)
        (maildir / "tmp" / name).write_bytes(envelope.original_content)
        (maildir / "tmp" / name).rename(maildir / "new" / name)
        return "250 2.0.0 taken"


def authenticate(server, session, envelope, mechanism, login):
    success = (login.login, login.password) == (b"me", b"sesame")
    # Whoever is refused must be told.
    return AuthResult(success=success, handled=False)


class Server(SMTP):
    line_length_limit = 2**24


def smtp(**more):
    return Server(
        Taker(),
        authenticator=authenticate,
        auth_required=True,
        data_size_limit=None,
        **more,
    )


async def serve():
    listen = asyncio.get_running_loop().create_server
    await listen(
        lambda: smtp(tls_context=context, require_starttls=True), "127.0.0.1", int(starttls_port)
    )
    # It does not know that there is TLS already.
    await listen(
        lambda: smtp(auth_require_tls=False), "127.0.0.1", int(tls_port), ssl=context
    )
    await asyncio.Event().wait()


asyncio.run(serve())
