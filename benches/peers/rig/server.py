"""Dovecot on loopback, with a mailbox for each user; the password is `secret`."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .programs import FAR
from .workloads import Workload, fill, users

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "crates/poplib-python/tests"))

from dovecot import PROGRAM, free_ports, make_certificate, wait_until_it_answers  # noqa: E402

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
auth_mechanisms = plain
first_valid_uid = 1
mail_location = maildir:{place}/mail/%u
mail_fsync = never
pop3_no_flag_updates = yes
passdb {{
  driver = static
  args = password={{PLAIN}}secret
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={place}/mail/%u
}}
default_process_limit = 300
default_client_limit = 4000
service pop3-login {{
  service_count = 0
  process_min_avail = 2
  inet_listener pop3 {{
    port = {plain_port}
  }}
  inet_listener pop3s {{
    port = {tls_port}
    ssl = yes
  }}
}}
service pop3 {{
  process_limit = 300
  service_count = 100
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
protocol pop3 {{
  mail_max_userip_connections = 1000
}}
"""


@dataclass
class Server:
    """One that answers."""

    plain_port: int
    tls_port: int
    certificate: Path
    mail: Path


@contextlib.contextmanager
def started(place: Path, workload: Workload) -> Iterator[Server]:
    """Starts one that serves this mailbox."""
    place.mkdir()
    place.chmod(0o755)
    account = pwd.getpwnam("mail")
    for user in users(workload):
        fill(place / "mail" / user, workload, user)
    for directory, _, files in os.walk(place / "mail"):
        for name in ("", *files):
            os.chown(os.path.join(directory, name), account.pw_uid, account.pw_gid)
    make_certificate(place, "basicConstraints=critical,CA:FALSE")
    plain_port, tls_port = free_ports()
    configuration = CONFIGURATION.format(
        place=place, uid=account.pw_uid, gid=account.pw_gid, plain_port=plain_port, tls_port=tls_port
    )
    (place / "dovecot.conf").write_text(configuration)
    process = subprocess.Popen([PROGRAM, "-F", "-c", str(place / "dovecot.conf")])
    try:
        wait_until_it_answers(process, plain_port, place / "log")
        yield Server(plain_port, tls_port, place / "server.pem", place / "mail")
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(place)


def further_away(port: int, delay_ms: int) -> contextlib.AbstractContextManager[int]:
    """The port where the server is so much more distant."""
    return from_far(port, delay_ms) if delay_ms else contextlib.nullcontext(port)


@contextlib.contextmanager
def from_far(port: int, delay_ms: int, kibibytes: int = 128) -> Iterator[int]:
    """The same, through the program that puts the distance between them in any case, and lets so much be on its
    way at once."""
    command = [str(FAR), str(port), str(delay_ms), str(kibibytes)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as proxy:
        assert proxy.stdout is not None
        try:
            yield int(proxy.stdout.readline())
        finally:
            proxy.terminate()
