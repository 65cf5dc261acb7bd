"""What type checkers say of the installed package."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

CASES = str(Path(__file__).with_name("typing_cases.py"))


@pytest.mark.parametrize(
    "command",
    [
        ["mypy", "--strict", "--warn-unused-ignores", CASES],
        ["mypy", "--strict", "--package", "poplib_rs"],
        ["mypy", "--strict", "--python-version", "3.14", "--package", "poplib_rs"],
        ["mypy.stubtest", "poplib_rs._native"],
        ["pyright", "--pythonpath", sys.executable, CASES],
    ],
    ids=["mypy-cases", "mypy-package", "mypy-newest", "stubtest", "pyright-cases"],
)
def test_type_checkers_agree(command: list[str], tmp_path: Path) -> None:
    if importlib.util.find_spec(command[0].split(".")[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
