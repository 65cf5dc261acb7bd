"""The record of a run, in Markdown."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from .goals import Results, judged
from .peers import PEERS, before
from .run import Cost
from .workloads import WORKLOADS

WHAT = {peer.name: peer.what for peer in [*PEERS, before(Path())]}


def record(results: Results, failures: list[str], command: str, rounds: int) -> str:
    lines = [f"# popfetch and its peers, {datetime.date.today()}", "", *machine(), ""]
    lines += [f"`{command}`, {rounds} rounds, all programs in turn in each. Medians; in brackets the least and the most.", ""]
    lines += ["## Goals", "", "| | what | goal | figure | in single rounds | |", "|---|---|---|---|---|---|"]
    for judgement in judged(results):
        goal, unit = judgement.goal, judgement.goal.unit
        verdict = "reached" if judgement.is_reached else "**missed**"
        figure = f"{judgement.figure:.2f} {unit} | {judgement.least:.2f}–{judgement.most:.2f}"
        lines.append(f"| {goal.name} | {goal.what} | ≤ {goal.bound:.3g} {unit} | {figure} | {verdict} |")
    for workload in WORKLOADS:
        if workload.name in results:
            lines += ["", f"## {workload.name}: {workload.what}", ""]
            lines += table(results[workload.name])
    if failures:
        lines += ["", "## What did not come to an end", "", *(f"- {failure}" for failure in failures)]
    return "\n".join(lines) + "\n"


def table(costs: dict[str, list[Cost]]) -> Iterator[str]:
    yield "| | wall, s | × popfetch | CPU, s | memory, MiB | how |"
    yield "|---|---|---|---|---|---|"
    ours = median(cost.wall for cost in costs["popfetch"]) if "popfetch" in costs else None
    for name, runs in costs.items():
        walls = [cost.wall for cost in runs]
        times = f"{median(walls) / ours:.2f}" if ours else "–"
        yield (
            f"| {name} | {spread(walls)} | {times} "
            f"| {median(cost.cpu for cost in runs):.2f} | {max(cost.memory for cost in runs) / (1 << 20):.0f} "
            f"| {WHAT[name]} |"
        )


def spread(figures: list[float], digits: int = 2) -> str:
    """The median, and in brackets the least and the most."""
    least, most = f"{min(figures):.{digits}f}", f"{max(figures):.{digits}f}"
    return f"{median(figures):.{digits}f} ({least}–{most})"


def machine() -> Iterator[str]:
    model = next(
        (line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    yield f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}, CPython {platform.python_version()}."
    yield "; ".join(version for version in map(version_of, VERSIONS) if version) + "."


VERSIONS = [
    ["dovecot", "--version"],
    ["mpop", "--version"],
    ["fetchmail", "--version"],
    ["curl", "--version"],
    ["openssl", "version"],
]


def version_of(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    line = done.stdout.strip().splitlines()[0]
    return line if line.startswith(command[0]) else f"{command[0]} {line}"
