"""Everything that the sandbox can do wrong, one after the other, in the same session: what a program
gets of the mail, beside what it gets from poplib, and that nothing is lost that was not fetched."""

from __future__ import annotations

import os
import poplib
import subprocess
from contextlib import suppress
from types import ModuleType
from typing import Any

import poplib_rs
import pytest

from conftest import Server, StartSandbox

# poplib believes what was said before TLS, or goes on for as long as the server does.
UNLIKE_POPLIB = "unlike poplib"
# So do both, for that is what a program asks for.
ENDLESS = "endless"

# How a session went: `in` or `out`; how many messages were listed; of each message, whether it came
# as it is (`=`), came otherwise (`~`), was refused (`-`) or ended the session (`!`); and how many are
# left, when those that came as they are were deleted.
TABLE: list[tuple[str, ...]] = [
    ("one-byte-writes", "in 3 === 0"),
    ("drip=2000", "out 3", UNLIKE_POPLIB),
    ("delay=20", "in 3 === 0"),
    ("lf-only", "in 3 === 0"),
    ("cut-after=5", "out 3"),
    ("cut-after=200", "out 3"),
    ("reset-after=5", "out 3"),
    ("reset-after=200", "out 3"),
    ("stall-after=5", "out 3"),
    ("stall-after=200", "out 3"),
    ("idle-timeout=60000", "in 3 === 0"),
    ("pipeline-mixed", "in 3 === 0"),
    ("pipeline-closes", "in 3 === 0"),
    ("pipeline-forgotten", "in 3 === 0"),
    ("stall=greeting", "out 3"),
    ("stall=tls", "out 3"),
    ("stall=CAPA", "out 3"),
    ("stall=AUTH", "in 3 === 0"),
    ("stall=UIDL", "in - !!! 3"),
    ("stall=RETR", "in 3 !!! 3"),
    ("stall=DELE", "in 3 === 3"),
    ("stall=QUIT", "in 3 === 3"),
    ("greeting=+OK\\r\\n", "in 3 === 0"),
    ("greeting=hello\\r\\n", "out 3"),
    ("err-greeting", "out 3"),
    ("imap-greeting", "out 3"),
    ("smtp-greeting", "out 3"),
    ("swap-ports", "out 3"),
    ("stamp=<a b>", "in 3 === 0"),
    ("bad-stamp", "in 3 === 0"),
    ("two-stamps", "in 3 === 0"),
    ("inject-before-tls=+OK\\r\\n", "out 3", UNLIKE_POPLIB),
    ("inject-before-tls-split=+OK\\r\\n", "out 3", UNLIKE_POPLIB),
    ("no-stls", "out 3"),
    ("old-tls", "out 3"),
    ("no-capa", "in 3 === 0"),
    ("hide-capability=UIDL", "in 3 === 0"),
    ("hide-before-login=PIPELINING", "in 3 === 0"),
    ("hide-after-login=PIPELINING", "in 3 === 0"),
    ("refuse-login=[SYS/TEMP] later", "out 3"),
    ("close-on-wrong-password", "in 3 === 0"),
    ("hold-lock=1", "in 3 === 0"),
    ("hold-lock-for=1", "in 3 === 0"),
    ("no-lock", "in 3 === 0"),
    ("initial-response-limit=1", "in 3 === 0"),
    ("oauth-explanation=no", "in 3 === 0"),
    ("bare-plus", "in 3 === 0"),
    ("text-challenge", "in 3 === 0"),
    ("endless-challenge", "in 3 === 0"),
    ("unusable-mechanism", "in 3 === 0"),
    ("scram-wrong-signature", "in 3 === 0"),
    ("scram-foreign-nonce", "in 3 === 0"),
    ("scram-iterations=4294967295", "in 3 === 0"),
    ("tls-unique-only", "in 3 === 0"),
    ("refuse=CAPA", "in 3 === 0"),
    ("refuse=UIDL", "in - === 0"),
    ("refuse=LIST", "in 3 === 0"),
    ("refuse=RETR", "in 3 --- 3"),
    ("refuse=DELE", "in 3 === 3"),
    ("refuse=QUIT", "in 3 === 3"),
    ("close-on=CAPA", "out 3"),
    ("close-on=AUTH", "in 3 === 0"),
    ("close-on=UIDL", "in - !!! 3"),
    ("close-on=RETR", "in 3 !!! 3"),
    ("close-on=DELE", "in 3 === 3"),
    ("close-on=QUIT", "in 3 === 3"),
    ("close-after-login=RETR", "in 3 !!! 3"),
    ("stall-after-login=RETR", "in 3 !!! 3"),
    ("cut-in-answer=UIDL:10", "in - !!! 3"),
    ("answer=RETR:nonsense\\r\\n", "in 3 !!! 3"),
    ("answer=DELE:\\r\\n", "in 3 === 3"),
    ("answer=UIDL:+OK\\r\\n.\\r\\n", "in 0 === 0"),
    ("endless-line=CAPA", "out 3", UNLIKE_POPLIB),
    ("endless-line=UIDL", "in - !!! 3", UNLIKE_POPLIB),
    ("endless-lines=CAPA", ENDLESS),
    ("no-texts", "in 3 === 0"),
    ("plus-err", "in 3 === 0"),
    ("err-on-retr=2", "in 3 =-= 1"),
    ("refuse-retr=2:[SYS/TEMP] later", "in 3 =-= 1"),
    ("refuse-retrs=2:later", "in 3 --= 2"),
    ("err-on-dele=2", "in 3 === 1"),
    ("ignore-dele", "in 3 === 3"),
    ("obey-deles=1", "in 3 === 2"),
    ("renumber-after-dele", "in 3 === 1"),
    ("empty-dele-answer", "in 3 === 0"),
    ("quota=1", "in 3 =-- 2"),
    ("err-on-quit", "in 3 === 3"),
    ("lose-quit-answer", "in 3 === 0"),
    ("delete-retrieved", "in 3 === 0"),
    ("delete-retrieved-since-rset", "in 3 === 0"),
    ("late-deletion=1", "in 3 === 3"),
    ("unopened-maildrop", "in - --- 3"),
    ("late-message", "in 2 === 0"),
    ("vanishing-message=2", "in 3 =-= 0"),
    ("empty-listing", "in 0 === 0"),
    ("first-only=1", "in 1 =-- 2"),
    ("listing-gap=2", "in 2 === 0"),
    ("list-gap=2", "in 3 === 0"),
    ("uidl-gap=2", "in 2 === 0"),
    ("short-list=1", "in 3 === 0"),
    ("short-uidl=1", "in 1 === 0"),
    ("nonsense-list=1", "in 3 === 0"),
    ("number-zero", "in 4 === 0"),
    ("extra-spaces", "in 3 === 0"),
    ("stat-counts-more=2", "in 3 === 0"),
    ("rounded-octets", "in 3 === 0"),
    ("halved-octets", "in 3 === 0"),
    ("growing-octets", "in 3 === 0"),
    ("more-octets=7", "in 3 === 0"),
    ("unix-octets", "in 3 === 0"),
    ("hidden-lines", "in 3 === 0"),
    ("meaningless-octets", "in 3 === 0"),
    ("negative-octets", "in 3 === 0"),
    ("no-uidl", "in - === 0"),
    ("uidl-without-id=1", "in 3 === 0"),
    ("uidl-without-number", "in 3 === 0"),
    ("duplicate-uidl", "in 3 === 0"),
    ("non-ascii-uidl", "in 3 === 0"),
    ("long-uidl", "in 3 === 0"),
    ("path-uidl", "in 3 === 0"),
    ("regenerated-uidl", "in 3 === 0"),
    ("changed-uidl=2", "in 3 === 0"),
    ("numeric-uidl", "in 3 === 0"),
    ("reused-uidl", "in 3 === 0"),
    ("cut-in-body=2:10", "in 3 =!! 3"),
    ("cut-in-body-of=000002-a00bf4428380bc99:10", "in 3 =!! 3"),
    ("reset-in-body=2:10", "in 3 =!! 3"),
    ("stall-in-body=2:10", "in 3 =!! 3"),
    ("err-in-body=2:10", "in 3 =!! 2"),
    ("short-body=2:10", "in 3 =~= 1"),
    ("short-bodies=10", "in 3 ~~~ 3"),
    ("error-body=2", "in 3 =~= 1"),
    ("body-of=2:1", "in 3 =~= 1"),
    ("next-body", "in 3 ~~~ 3"),
    ("first-body", "in 3 =~~ 2"),
    ("endless-body=2", ENDLESS),
    ("endless-header=2", ENDLESS),
    ("no-stuffing", "in 3 =~! 2"),
    ("stuff-lone-dots-only", "in 3 =~= 1"),
    ("glued-end", "in 3 !!! 3"),
    ("bare-lf-dot", "in 3 ~!! 3"),
    ("odd-octets", "in 3 ~~~ 3"),
    ("long-line=100000", "in 3 !!! 3"),
    ("folder-data", "in 3 ~== 1"),
    ("mentions-folder-data", "in 3 ~== 1"),
    ("status-line", "in 3 === 0"),
    ("counted-status-line", "in 3 === 0"),
    ("scan-stamp", "in 3 ~~~ 3"),
    ("counted-scan-stamp", "in 3 ~~~ 3"),
    ("fresh-boundaries", "in 3 ~~~ 3"),
    ("no-top", "in 3 === 0"),
    ("top-one-line", "in 3 === 0"),
    ("top-truncated=10", "in 3 === 0"),
    ("top-two-ok", "in 3 === 0"),
    ("top-empty", "in 3 === 0"),
    ("top-without-end", "in 3 === 0"),
    ("top-without-header", "in 3 === 0"),
    ("top-endless", "in 3 === 0"),
    ("top-other-header", "in 3 === 0"),
]
# What the server never comes to an end with.
SLOW = ("stall", "drip", "glued-end", "pipeline-forgotten", "swap-ports", "err-in-body")
# What happens on the way to TLS.
BY_STLS = ("inject", "no-stls", "old-tls", "stall=tls")

# The sandbox's own.
MESSAGES = [
    [b"From: Sender <sender@example.org>", b"Subject: A short message", b"", b"Hello."],
    [
        b"From: Sender <sender@example.org>",
        b"Subject: Lines with dots",
        b"",
        b".",
        b"..",
        b".dot",
    ],
    [
        b"From: Sender <sender@example.org>",
        b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=",
        b"Content-Type: text/plain; charset=utf-8",
        b"Content-Transfer-Encoding: 8bit",
        b"",
        "Grüße".encode(),
    ],
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_whatever_a_server_does_wrong_is_survived(row: tuple[str, ...], sandbox: StartSandbox) -> None:
    fault, expected, *unlike = row
    if expected != ENDLESS:
        for module in [poplib_rs] if unlike else [poplib_rs, poplib]:
            assert outcome(module, fault, sandbox) == expected, module.__name__


def outcome(module: ModuleType, fault: str, sandbox: StartSandbox) -> str:
    """How a session went; of those after it, the first tells what is left."""
    server = sandbox("--misbehave", f"{fault}@1")
    summary = session(module, fault, server)
    after = poplib.POP3("localhost", server.plain_port, timeout=60)
    logged_in(after)
    left = after.stat()[0]
    after.quit()
    by_others = fault.startswith("vanishing")
    assert left + summary.count("=") + by_others >= 3, "something is gone that was not fetched"
    return f"{summary} {left}"


def session(module: ModuleType, fault: str, server: Server) -> str:
    """Logs in, lists, fetches, deletes what was right, and leaves."""
    failures = (module.error_proto, OSError, EOFError)
    timeout = 0.75 if fault.startswith(SLOW) else 60
    try:
        pop = module.POP3("localhost", server.plain_port, timeout=timeout)
        if fault.startswith(BY_STLS):
            pop.stls(context=server.context)
        with suppress(module.error_proto):
            pop.capa()
        logged_in(pop)
    except failures:
        return "out"
    try:
        listed = str(len(pop.uidl()[1]))
    except failures:
        listed = "-"
    fetched = [message(pop, number, failures) for number in range(1, 4)]
    for number, came in enumerate(fetched, 1):
        if came == "=":
            with suppress(*failures):
                pop.dele(number)
    with suppress(*failures):
        pop.quit()
    pop.close()
    return f"in {listed} {''.join(fetched)}"


def message(pop: Any, number: int, failures: tuple[type[Exception], ...]) -> str:
    try:
        lines = pop.retr(number)[1]
    except failures as error:
        said = error.args[0] if error.args else None
        return "-" if isinstance(said, bytes) and said.startswith(b"-ERR") else "!"
    return "=" if lines == MESSAGES[number - 1] else "~"


def logged_in(pop: Any) -> None:
    pop.user("alice")
    pop.pass_("secret")


def test_every_misbehaviour_is_in_the_table() -> None:
    text = subprocess.run([os.environ["POPLIB_SANDBOX"], "--help"], capture_output=True, text=True)
    lines = text.stdout.partition("\nMisbehaviours")[2].splitlines()
    names = {line.split("=")[0].strip() for line in lines if line[:2] == "  " and line[2:3] != " "}
    assert len(names) > 80
    assert names - {row[0].split("=")[0] for row in TABLE} == set()
