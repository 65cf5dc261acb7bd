"""The programs that are compared: for each the best honest settings for fetching a whole mailbox into
files, and where its messages are afterwards."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from .programs import BUILT, POPFETCH, PYTHON, installed
from .server import Server
from .workloads import Workload, users

HERE = Path(__file__).resolve().parent
NOBODY = 65534


@dataclass
class Job:
    """One program, one mailbox, one empty directory."""

    workload: Workload
    server: Server
    port: int
    place: Path
    environment: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, text: str) -> Path:
        path = self.place / name
        path.write_text(text)
        path.chmod(0o600)
        return path


@dataclass(frozen=True)
class Peer:
    """A way to fetch."""

    name: str
    what: str
    """Settings that a reader has to know, and what is durable at the end."""
    command: Callable[[Job], list[str]]
    needs: str = ""
    """A program without which it cannot run."""
    delivered: Callable[[Job], Iterator[Path]] | None = None
    """Where the messages are; `None` where it keeps none."""
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    crate: str = ""
    """What it is to be built from, in `crates/`."""

    def takes_part(self, workload: Workload) -> bool:
        return workload.name not in self.without and (not self.only or workload.name in self.only)

    def is_there(self) -> bool:
        return not self.needs or installed(self.needs) is not None


def maildir(job: Job) -> Iterator[Path]:
    return (path for path in job.place.glob("**/new/*") if path.is_file())


def before(program: Path) -> Peer:
    """An earlier version of popfetch, of which this is the program."""
    return Peer("popfetch before", "an earlier version, as popfetch", partial(popfetch, program=program), delivered=maildir)


def popfetch(job: Job, program: Path = POPFETCH) -> list[str]:
    scheme = "pops" if job.workload.tls else "pop"
    job.environment["POPFETCH_PASSWORD"] = "secret"
    trust = ["--ca-file", str(job.server.certificate)] if job.workload.tls else ["--allow-plaintext"]
    state = ["--state", str(job.place / "state.db")]
    if job.workload.mailboxes > 1:
        lines = ["[defaults]", "allow_plaintext = true"]
        for user in users(job.workload):
            lines += [
                f"[account.{user}]",
                f'server = "pop://{user}@localhost:{job.port}"',
                f'maildir = "{job.place}/{user}"',
                'password_env = "POPFETCH_PASSWORD"',
            ]
        config = job.write("config.toml", "\n".join(lines))
        jobs = ["--jobs", "64", "--per-host", "64"]
        return [str(program), "sync", "-q", "--config", str(config), *state, *jobs]
    server = ["--server", f"{scheme}://u1@localhost:{job.port}", "--maildir", str(job.place / "mail")]
    return [str(program), "sync", "-q", *server, *state, *trust]


def mpop(job: Job) -> list[str]:
    def one(user: str) -> list[str]:
        (job.place / user).mkdir()
        for name in ("tmp", "new", "cur"):
            (job.place / user / name).mkdir()
        tls = [f"--tls-trust-file={job.server.certificate}", "--tls-starttls=off"]
        return [
            "mpop", "--host=localhost", f"--port={job.port}", f"--user={user}", "--quiet",
            "--auth=user", "--passwordeval=echo secret", "--keep=on", "--pipelining=on",
            f"--uidls-file={job.place}/{user}.uidls", f"--delivery=maildir,{job.place}/{user}",
            *(["--tls=on", *tls] if job.workload.tls else ["--tls=off"]),
        ]  # fmt: skip

    if job.workload.mailboxes == 1:
        return one("u1")
    commands = [shlex.join(one(user)) for user in users(job.workload)]
    listed = job.write("commands", "\0".join(commands))
    return ["xargs", "-0", "-a", str(listed), "-P", "64", "-I", "{}", "sh", "-c", "{}"]


def fetchmail(job: Job) -> list[str]:
    for name in ("tmp", "new", "cur"):
        (job.place / "mail" / name).mkdir(parents=True)
    agent = f"safecat {job.place}/mail/tmp {job.place}/mail/new"
    options = "ssl sslproto auto" if job.workload.tls else 'sslproto ""'
    certificate = f'sslcertfile "{job.server.certificate}"' if job.workload.tls else ""
    configuration = job.write(
        "fetchmailrc",
        f"poll localhost protocol pop3 port {job.port} auth password no uidl\n"
        f'  user "u1" password "secret" mda "{agent}" fetchall keep {options} {certificate}\n',
    )
    job.environment["HOME"] = str(job.place)
    return ["fetchmail", "-f", str(configuration), "--silent", "--nosyslog", "--nodetach"]


def getmail(job: Job) -> list[str]:
    directories = [job.place, job.place / "mail"]
    directories += [job.place / "mail" / name for name in ("tmp", "new", "cur")]
    # It delivers nothing as root, which Dovecot needs to be here.
    for directory in directories:
        directory.mkdir(exist_ok=True)
        os.chown(directory, NOBODY, NOBODY)
    kind = "SimplePOP3SSLRetriever" if job.workload.tls else "SimplePOP3Retriever"
    trust = f"ca_certs = {job.server.certificate}\n" if job.workload.tls else ""
    configuration = job.write(
        "getmailrc",
        f"[retriever]\ntype = {kind}\nserver = localhost\nport = {job.port}\n"
        f"username = u1\npassword = secret\n{trust}"
        f"[destination]\ntype = Maildir\npath = {job.place}/mail/\n"
        "[options]\nread_all = true\ndelivered_to = false\nreceived = false\nverbose = 0\n",
    )
    os.chown(configuration, NOBODY, NOBODY)
    as_nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    program = PYTHON / "bin/getmail"
    return [*as_nobody, str(program), f"--getmaildir={job.place}", "--rcfile=getmailrc"]


def curl(job: Job) -> list[str]:
    scheme, trust = "pop3", []
    if job.workload.tls:
        scheme, trust = "pop3s", ["--cacert", str(job.server.certificate)]
    url = f"{scheme}://u1:secret@localhost:{job.port}/[1-{job.workload.messages}]"
    return ["curl", "--silent", "--fail", *trust, "--output", "/dev/null", url]


def poplib(job: Job) -> list[str]:
    return [sys.executable, str(HERE / "with_poplib.py"), *port_and_place(job)]


def crate(name: str) -> Callable[[Job], list[str]]:
    return lambda job: [str(BUILT / name), *port_and_place(job)]


def port_and_place(job: Job) -> list[str]:
    """The arguments of a program that was written to be compared."""
    (job.place / "new").mkdir()
    trust = [str(job.server.certificate)] if job.workload.tls else []
    return [str(job.port), str(job.place / "new"), *trust]


def wire(job: Job) -> list[str]:
    number = str(job.workload.messages)
    if not job.workload.tls:
        program = str(BUILT / "wire")
        return [program, "localhost", str(job.port), "secret", number, *users(job.workload)]
    commands = ["USER u1", "PASS secret"]
    commands += [f"RETR {number}" for number in range(1, job.workload.messages + 1)]
    listed = job.write("commands", "\r\n".join([*commands, "QUIT", ""]))
    client = ["openssl", "s_client", "-quiet", "-connect", f"localhost:{job.port}"]
    return ["sh", "-c", f"exec {shlex.join(client)} <{listed} >/dev/null"]


def disk(job: Job) -> list[str]:
    return [str(BUILT / "disk"), str(job.server.mail / "u1" / "cur"), str(job.place / "out")]


PEERS = [
    Peer("popfetch", "durable Maildir in groups, state, each message verified", popfetch, delivered=maildir),
    Peer("mpop", "pipelining on; Maildir, fsync for each message", mpop, "mpop", maildir),
    Peer("fetchmail", "one MDA (safecat, durable) for each message", fetchmail, "fetchmail", maildir,
         without=("large", "large-tls", "huge", "wide", "far")),
    Peer("getmail", "Maildir, fsync for each message", getmail, "getmail", maildir,
         without=("huge", "wide", "far")),
    Peer("curl", "one connection; writes nothing", curl, "curl", without=("wide",)),
    Peer("poplib", "retr, one file for each message, not durable", poplib,
         delivered=maildir, without=("huge", "wide")),
    Peer("rust-pop3-client", "Rust crate; one file for each message, not durable", crate("rust-pop3-client"),
         delivered=maildir, crate="rust-pop3-client", without=("huge", "wide")),
    Peer("async-pop", "Rust crate; one file for each message, not durable", crate("async-pop"),
         delivered=maildir, crate="async-pop", without=("large", "large-tls", "huge", "wide")),
    Peer("pop3", "Rust crate; one file for each message, not durable", crate("pop3"),
         delivered=maildir, crate="pop3", without=("large", "large-tls", "huge", "wide")),
    Peer("limit of the wire", "all RETR at once, thrown away (TLS: openssl s_client)", wire),
    Peer("limit of the disk", "the same files as one group, without a network", disk, without=("wide", "far")),
]  # fmt: skip
