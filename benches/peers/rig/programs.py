"""What the benchmarks build under target/, and where it lies."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

PEERS = Path(__file__).resolve().parents[1]
ROOT = PEERS.parents[1]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
POPFETCH = TARGET / "release/popfetch"
SANDBOX = TARGET / "release/poplib-sandbox"
BUILT = TARGET / "peers/release"
"""What is built for the benchmarks alone: the limits, and programs over the Rust crates."""
FAR = BUILT / "far"
PYTHON = TARGET / "peers/python"
"""A virtual environment for the peers that PyPI has."""
BUILD = ["cargo", "build", "--release", "--quiet", "--locked"]


def build(*packages: str) -> None:
    """Builds packages of the product."""
    workspace: list[str | Path] = ["--manifest-path", ROOT / "Cargo.toml", "--target-dir", TARGET]
    wanted = [option for package in packages for option in ("-p", package)]
    subprocess.run([*BUILD, *workspace, *wanted], check=True)


def build_limits() -> None:
    subprocess.run([*BUILD, *beside("limits")], check=True)


def installed(program: str) -> str | None:
    """Where a peer is that was not built here."""
    return shutil.which(program, path=f"{PYTHON}/bin:{os.environ['PATH']}")


def beside(package: str) -> list[str | Path]:
    """The options that build one of the packages that only the benchmarks have."""
    return ["--manifest-path", PEERS / package / "Cargo.toml", "--target-dir", TARGET / "peers"]
