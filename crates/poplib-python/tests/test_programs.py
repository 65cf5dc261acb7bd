"""Programs that use poplib, unchanged, with poplib_rs in its place, against Dovecot."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir

import pytest

import dovecot

pytestmark = pytest.mark.skipif(
    not dovecot.is_installed(), reason="needs dovecot-pop3d, and root to start it"
)

REPLACED = "import sys, poplib_rs; sys.modules['poplib'] = poplib_rs; "
GETMAIL = "import runpy; sys.argv[0] = {getmail!r}; runpy.run_path({getmail!r}, run_name='__main__')"
GETMAIL_CONFIGURATION = """
[retriever]
type = SimplePOP3{kind}Retriever
server = localhost
port = {port}
username = me
password = secret
use_cram_md5 = false
[destination]
type = Maildir
path = {place}/Maildir/
user = nobody
[options]
verbose = 0
delete = true
delivered_to = false
received = false
"""
DJANGO_MAILBOX = """
from django.conf import settings
settings.configure()
import poplib
from django_mailbox.transports.pop3 import Pop3Transport
assert Pop3Transport("localhost").transport is poplib.POP3
transport = Pop3Transport("localhost", {port})
transport.connect("me", "secret")
for message in transport.get_message():
    print(message["subject"], len(message.get_payload()), transport.server.__module__)
"""
MESSAGES = [
    b"From: a@example.org\nSubject: one\n\n..\n.\n.dot\nend\n",
    b"From: a@example.org\nSubject: two\n\n" + b"a line of text\n" * 20_000,
    b"From: a@example.org\nSubject: three\n\n" + b"x" * 1_500 + b"\n\xff\n",
]


@pytest.fixture
def server() -> Iterator[dovecot.Dovecot]:
    with dovecot.started(MESSAGES) as started:
        yield started


def run(program: str, *arguments: str) -> str:
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("kind", ["", "SSL"])
def test_getmail_fetches_the_same(server: dovecot.Dovecot, tmp_path: Path, kind: str) -> None:
    getmail = shutil.which("getmail", path=Path(sys.executable).parent)
    if not getmail:
        pytest.skip("getmail6 is not installed")
    fetched = {}
    for poplib, begin in (("poplib", "import sys; "), ("poplib_rs", REPLACED)):
        place = tmp_path / poplib
        for name in ("cur", "new", "tmp"):
            (place / "Maildir" / name).mkdir(parents=True)
        port = server.tls_port if kind else server.plain_port
        text = GETMAIL_CONFIGURATION.format(kind=kind, port=port, place=place)
        # The second run must find what the first has deleted.
        text = text.replace("delete = true", f"delete = {str(poplib == 'poplib_rs').lower()}")
        (place / "getmailrc").write_text(text)
        above = (path for path in place.parents if Path(gettempdir()) in path.parents)
        for path in (*above, place, *place.rglob("*")):
            path.chmod(0o777 if path.is_dir() else 0o644)
        run(begin + GETMAIL.format(getmail=getmail), f"--getmaildir={place}", "--rcfile=getmailrc")
        fetched[poplib] = sorted(path.read_bytes() for path in place.glob("Maildir/new/*"))
    assert fetched["poplib"] == fetched["poplib_rs"]
    assert len(fetched["poplib_rs"]) == len(MESSAGES)


def test_django_mailbox_fetches(server: dovecot.Dovecot) -> None:
    pytest.importorskip("django_mailbox")
    told = run(REPLACED + DJANGO_MAILBOX.format(port=server.plain_port)).splitlines()
    subjects = [line.split()[0] for line in told]
    assert subjects == ["one", "two", "three"]
    assert all(line.endswith("poplib_rs") for line in told)
    assert run(REPLACED + DJANGO_MAILBOX.format(port=server.plain_port)) == "", "they are deleted"
