"""The native part of poplib_rs."""

import io

def read_lines(
    file: io.BufferedReader, limit: int
) -> tuple[list[bytes], int, bytes | None, str | None, list[bytes]]:
    """Reads the lines of a multi-line answer: lines, octets, what is beyond, failure, stakes."""

def response_code(line: bytes) -> tuple[str, str, bool] | None:
    """The response code of a status line, its kind, and whether trying later may help."""
