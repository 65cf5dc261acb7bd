"""CPython's own tests of poplib, with poplib_rs in its place."""

import importlib.util
import subprocess
import sys

import pytest

PROGRAM = """
import sys, unittest, poplib_rs
sys.modules["poplib"] = poplib_rs
unittest.main("test.test_poplib", argv=["test_poplib"])
"""


@pytest.mark.skipif(
    importlib.util.find_spec("test.test_poplib") is None,
    reason="this Python came without its tests",
)
def test_the_interpreters_own_tests_pass() -> None:
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stderr.rstrip().endswith("OK")
    assert int(done.stderr.split("Ran ")[1].split()[0]) >= 60
