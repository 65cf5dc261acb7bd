"""Runs a program once and tells what that cost."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from .peers import Job, Peer
from .workloads import digest, digests, stuffed, users

PATIENCE = 900
"""Seconds after which a program is given up."""


@dataclass(frozen=True)
class Cost:
    """Of a program and all that it started."""

    wall: float
    cpu: float
    memory: int
    """Octets, of the largest process."""


def run(peer: Peer, job: Job) -> Cost:
    """Runs it in a new directory.

    Raises RuntimeError where it fails or delivers anything but the mailbox.
    """
    job.place.mkdir()
    try:
        command = peer.command(job)
        os.sync()
        cost = timed(command, job.place, job.environment)
        if peer.delivered is not None:
            check(peer, job)
        return cost
    finally:
        # For minutes ext4 looks at each inode that was freed, again and again, before it takes another one:
        # what many small files leave behind when they are deleted would be measured with the next program.
        if job.workload.octets >= 1 << 20:
            shutil.rmtree(job.place)


def timed(command: list[str], place: Path, environment: dict[str, str]) -> Cost:
    """What a command in this directory costs.

    Raises RuntimeError where it fails.
    """
    # A program of its own measures: to a child of this one, the memory of Python would be added.
    measured = place / "cost"
    watch = ["time", "--quiet", "--format=%U %S %M", f"--output={measured}"]
    limit = ["timeout", "--kill-after=5", str(PATIENCE)]
    with (place / "output").open("wb") as output:
        begun = time.monotonic()
        done = subprocess.run(
            [*watch, *limit, *command], check=False, cwd=place,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
        wall = time.monotonic() - begun
    if done.returncode != 0:
        said = (place / "output").read_text(errors="replace").strip().rpartition("\n")[2][-300:]
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {said}")
    user, system, kibibytes = measured.read_text().split()[-3:]
    return Cost(wall, float(user) + float(system), int(kibibytes) << 10)


def check(peer: Peer, job: Job) -> None:
    """Correctness comes before speed: what was delivered must be what the server has."""
    assert peer.delivered is not None
    sources = [path for user in users(job.workload) for path in (job.server.mail / user / "cur").iterdir()]
    delivered = list(peer.delivered(job))
    wanted, arrived = digests(sources, digest), digests(delivered, digest)
    if wanted == arrived:
        return
    if digests(sources, stuffed) == arrived:
        raise RuntimeError(f"{peer.name} delivers wrong content: it does not undo byte-stuffing")
    missing = len(set(wanted) - set(arrived))
    raise RuntimeError(
        f"{peer.name} delivered {len(arrived)} of {len(wanted)} messages; {missing} are missing or changed"
    )
