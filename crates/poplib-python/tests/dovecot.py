"""A Dovecot of one's own on loopback, with one user: ``me``, password ``secret``."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PROGRAM = "/usr/sbin/dovecot"
POP3 = "/usr/lib/dovecot/pop3"

CONFIGURATION = """
base_dir = {place}/run
state_dir = {place}/run
log_path = {place}/log
protocols = pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <{place}/server.pem
ssl_key = <{place}/server.key
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5 apop scram-sha-1 scram-sha-256
first_valid_uid = 1
mail_location = maildir:{place}/mail
default_internal_user = {internal}
passdb {{
  driver = static
  args = password={{PLAIN}}secret
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={place}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {plain_port}
  }}
  inet_listener pop3s {{
    port = {tls_port}
    ssl = yes
  }}
}}
"""


@dataclass
class Dovecot:
    """One that answers."""

    plain_port: int
    tls_port: int
    context: ssl.SSLContext
    certificate: Path


def is_installed() -> bool:
    """Whether there is one, and somebody who may start it."""
    return os.geteuid() == 0 and all(Path(path).exists() for path in (PROGRAM, POP3))


@contextlib.contextmanager
def started(messages: Iterable[bytes]) -> Iterator[Dovecot]:
    """Starts one that serves these messages."""
    place = Path(tempfile.mkdtemp(prefix="dovecot-"))
    place.chmod(0o755)
    try:
        fill(place / "mail", messages)
        make_certificate(place)
        ports = free_ports()
        account = pwd.getpwnam("mail")
        configuration = CONFIGURATION.format(
            place=place,
            internal="dovecot",
            user=account.pw_uid,
            group=account.pw_gid,
            plain_port=ports[0],
            tls_port=ports[1],
        )
        (place / "dovecot.conf").write_text(configuration)
        process = subprocess.Popen([PROGRAM, "-F", "-c", str(place / "dovecot.conf")])
        try:
            wait_until_it_answers(process, ports[0], place / "log")
            certificate = place / "server.pem"
            context = ssl.create_default_context(cafile=certificate)
            yield Dovecot(*ports, context, certificate)
        finally:
            process.terminate()
            process.wait()
    finally:
        shutil.rmtree(place)


def fill(maildir: Path, messages: Iterable[bytes]) -> None:
    for name in ("cur", "new", "tmp"):
        (maildir / name).mkdir(parents=True)
    for number, message in enumerate(messages, 1):
        (maildir / "new" / f"{number:08}.M0P1.test").write_bytes(message)
    account = pwd.getpwnam("mail")
    for path in (maildir, *maildir.rglob("*")):
        os.chown(path, account.pw_uid, account.pw_gid)


def make_certificate(place: Path, *extensions: str) -> None:
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    command += f" -keyout {place}/server.key -out {place}/server.pem -days 2 -subj /CN=localhost"
    for extension in ("subjectAltName=DNS:localhost,IP:127.0.0.1", *extensions):
        command += f" -addext {extension}"
    subprocess.run(command.split(), check=True, capture_output=True)


def free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one:
        with socket.create_server(("127.0.0.1", 0)) as other:
            return one.getsockname()[1], other.getsockname()[1]


def wait_until_it_answers(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", port), 5) as sock:
                if sock.recv(3) == b"+OK":
                    return
        time.sleep(0.05)
    told = log.read_text() if log.exists() else "it wrote no log"
    raise RuntimeError(f"Dovecot did not start: {told}")
