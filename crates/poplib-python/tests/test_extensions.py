"""What POP3 can do beyond poplib, against poplib-sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import poplib_rs
import pytest
from poplib_rs import POP3, POP3_SSL, CodeKind, error_proto

from audit import recorded
from conftest import Server, StartSandbox
from memory import Socket, client

PASSWORD_MECHANISMS = [
    "SCRAM-SHA-512-PLUS",
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-512",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1",
    "CRAM-MD5",
    "DIGEST-MD5",
    "PLAIN",
    "LOGIN",
    "APOP",
    "USER",
]


def encrypted(server: Server) -> POP3_SSL:
    return POP3_SSL("localhost", server.tls_port, timeout=30, context=server.context)


def logged_in(server: Server, port: int | None = None) -> POP3:
    pop = POP3("localhost", port or server.plain_port, timeout=30)
    pop.user("alice")
    pop.pass_("secret")
    return pop


@pytest.mark.parametrize("mechanism", [None, *PASSWORD_MECHANISMS, "scram-sha-256"])
def test_p20_auth_with_a_password(sandbox: StartSandbox, mechanism: str | None) -> None:
    with encrypted(sandbox()) as pop:
        assert pop.auth(mechanism, "alice", "secret").startswith(b"+OK")
        assert pop.stat()[0] == 3


@pytest.mark.parametrize("mechanism", [None, "XOAUTH2", "OAUTHBEARER"])
def test_p20_auth_with_a_token(sandbox: StartSandbox, mechanism: str | None) -> None:
    with encrypted(sandbox("--token", "alice:opaque")) as pop:
        assert pop.auth(mechanism, "alice", token="opaque").startswith(b"+OK")


def test_p15_a_refused_token_tells_why(sandbox: StartSandbox) -> None:
    with encrypted(sandbox("--token", "alice:opaque")) as pop:
        with pytest.raises(error_proto) as caught:
            pop.auth("OAUTHBEARER", "alice", token="stale")
        assert "status" in "".join(caught.value.__notes__)
        assert pop.auth("PLAIN", "alice", "secret").startswith(b"+OK")


def test_p09_a_wrong_password_is_told_by_its_code(sandbox: StartSandbox) -> None:
    with encrypted(sandbox()) as pop:
        with pytest.raises(error_proto) as caught:
            pop.auth("PLAIN", "alice", "wrong")
        code = caught.value.code
        assert code is not None and code.kind is CodeKind.AUTH
        assert pop.auth("PLAIN", "alice", "secret").startswith(b"+OK")


def test_a13_no_password_in_clear_unless_allowed(sandbox: StartSandbox) -> None:
    server = sandbox()
    pop = POP3("localhost", server.plain_port, timeout=30)
    for mechanism in ("PLAIN", "LOGIN", "USER"):
        with pytest.raises(error_proto, match="without TLS"):
            pop.auth(mechanism, "alice", "secret")
    assert pop.auth("PLAIN", "alice", "secret", allow_plaintext=True).startswith(b"+OK")
    pop.close()


def test_auth_says_what_it_takes() -> None:
    pop = client(poplib_rs, Socket([b"+OK\r\n"], []))
    with pytest.raises(ValueError, match="known are SCRAM-SHA-512-PLUS"):
        pop.auth("GSSAPI", "alice", "secret")
    for arguments in ({"user": "alice"}, {"password": "x"}, {"token": "x"}, {}):
        with pytest.raises(ValueError, match="^auth takes"):
            pop.auth("PLAIN", **arguments)


def test_a13_debug_output_and_audit_events_hide_the_secret(
    sandbox: StartSandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    with recorded() as audited, encrypted(sandbox()) as pop:
        pop.set_debuglevel(2)
        pop.auth("PLAIN", "alice", "secret")
        pop.set_debuglevel(0)
    output = capsys.readouterr().out
    assert "*put* b'AUTH PLAIN ***'" in output
    assert ("poplib.putline", (b"AUTH PLAIN ***",)) in audited
    assert "secret" not in output and "AGFsaWNlAHNlY3JldA" not in output


def test_retr_bytes_is_the_message(sandbox: StartSandbox) -> None:
    with logged_in(sandbox("--generate", "5", "--octets", "1..200000")) as pop:
        for number in range(1, 6):
            message = pop.retr_bytes(number)
            assert message == b"".join(line + b"\r\n" for line in pop.retr(number)[1])
        with pytest.raises(error_proto, match="no such message"):
            pop.retr_bytes(6)
        assert pop.noop().startswith(b"+OK")


@pytest.mark.parametrize("fault", [None, "hide-capability=PIPELINING", "no-capa", "one-byte-writes"])
def test_iter_retr_yields_all_messages(sandbox: StartSandbox, fault: str | None) -> None:
    faults = ("--misbehave", fault) if fault else ()
    with logged_in(sandbox("--generate", "300", "--octets", "1..300", *faults)) as pop:
        numbers = [number for number, _ in pop.iter_retr()]
        assert numbers == list(range(1, 301))
        for number, message in pop.iter_retr(["7", 3]):
            assert message == pop.retr_bytes(number)


def test_other_commands_may_come_between(sandbox: StartSandbox) -> None:
    with logged_in(sandbox("--generate", "600", "--octets", "100..4000")) as pop:
        seen = []
        other = pop.iter_retr([5, 6])
        for number, message in pop.iter_retr():
            seen.append(number)
            if number % 150 == 1:
                assert pop.retr_bytes(number) == message
                assert pop.dele(number).startswith(b"+OK")
            if number in (10, 500):
                assert next(other)[0] == (5 if number == 10 else 6)
        assert seen == list(range(1, 601))
        assert next(other, None) is None
        assert pop.stat()[0] == 596


def test_an_iteration_given_up_costs_nothing(sandbox: StartSandbox) -> None:
    with logged_in(sandbox("--generate", "600")) as pop:
        for _ in pop.iter_retr():
            break
        assert pop.stat()[0] == 600


def test_a_refused_message_does_not_end_the_iteration(sandbox: StartSandbox) -> None:
    with logged_in(sandbox("--generate", "4")) as pop:
        pop.dele(2)
        outcomes = dict(pop.iter_retr([1, 2, 3], return_exceptions=True))
        assert isinstance(outcomes[2], error_proto)
        assert isinstance(outcomes[3], bytes)
        messages = pop.iter_retr([1, 2, 3])
        assert next(messages)[0] == 1
        with pytest.raises(error_proto, match="deleted"):
            next(messages)
        assert next(messages)[0] == 3


def test_a_connection_cut_in_a_message_is_closed(sandbox: StartSandbox) -> None:
    server = sandbox("--generate", "9", "--octets", "50000", "--misbehave", "cut-after=120000")
    pop = logged_in(server)
    with pytest.raises(error_proto):
        for _ in pop.iter_retr():
            pass
    assert pop.sock is None
    with pytest.raises(ValueError, match="closed"):
        pop.retr_bytes(1)


def test_an_interrupt_closes_what_nobody_could_read_on() -> None:
    sock = Socket([b"+OK\r\n"], [[b"+OK\r\nhalf a mess", KeyboardInterrupt()]])
    pop = client(poplib_rs, sock)
    with pytest.raises(KeyboardInterrupt):
        pop.retr_bytes(1)
    assert pop.sock is None and sock.events == ["shutdown 2", "close"]


def test_octets_that_nothing_asked_for_come_next_as_in_poplib() -> None:
    sock = Socket([b"+OK\r\n"], [[b"+OK\r\nx\r\n.\r\n+OK early\r\n"], [b"+OK late\r\n"]])
    pop = client(poplib_rs, sock)
    assert pop.retr_bytes(1) == b"x\r\n"
    assert pop.noop() == b"+OK early"
    assert pop.noop() == b"+OK late"


def test_lang(sandbox: StartSandbox) -> None:
    with logged_in(sandbox()) as pop:
        assert ("en", "English") in pop.lang()
        assert pop.lang("de").startswith(b"+OK")


@pytest.fixture
def server(sandbox: StartSandbox) -> Iterator[Server]:
    yield sandbox()


def test_connect_verifies(server: Server) -> None:
    import ssl

    for url in (f"pops://localhost:{server.tls_port}", f"pop://localhost:{server.plain_port}"):
        with pytest.raises(ssl.SSLCertVerificationError):
            poplib_rs.connect(url)
        with poplib_rs.connect(url, context=server.context) as pop:
            assert pop.sock.version() in ("TLSv1.2", "TLSv1.3")


def test_connect_logs_in(server: Server) -> None:
    for user in ("alice", "alice;AUTH=*", "alice;AUTH=SCRAM-SHA-1", "alice;auth=+APOP"):
        url = f"pop3s://{user}@localhost:{server.tls_port}"
        with poplib_rs.connect(url, password="secret", context=server.context) as pop:
            assert pop.stat()[0] == 3


def test_a02_connect_goes_nowhere_without_tls(sandbox: StartSandbox) -> None:
    server = sandbox("--misbehave", "no-stls")
    url = f"pop://alice@localhost:{server.plain_port}"
    with pytest.raises(error_proto, match="STLS not supported"):
        poplib_rs.connect(url, password="secret", context=server.context)
    with poplib_rs.connect(url, password="secret", allow_plaintext=True) as pop:
        assert pop.stat()[0] == 3


@pytest.mark.parametrize(
    "url",
    [
        "imap://host",
        "pops://",
        "pops://host/INBOX",
        "pops://me:password@host",
        "pops://me;X=1@host",
        "pops://a%0d%0aDELE%201@host",
        "pops://host:port",
    ],
)
def test_p19_urls_that_cannot_be_meant(url: str) -> None:
    with pytest.raises(ValueError):
        poplib_rs.connect(url)


def test_with_quits_or_only_closes(sandbox: StartSandbox) -> None:
    server = sandbox()
    with pytest.raises(RuntimeError), logged_in(server) as pop:
        pop.dele(1)
        raise RuntimeError
    assert pop.sock is None
    with logged_in(server) as pop:
        assert pop.stat()[0] == 3
        pop.dele(1)
    with logged_in(server) as pop:
        assert pop.stat()[0] == 2


@pytest.mark.parametrize("read", ["_getresp", "_getline", "_getlongresp"])
def test_e22_what_a_batch_asked_for_is_no_answer_to_others(sandbox: StartSandbox, read: str) -> None:
    with logged_in(sandbox("--generate", "20")) as pop:
        expected = dict(pop.iter_retr())
        batch = pop.iter_retr()
        first = next(batch)
        pop._putline(b"UIDL" if read == "_getlongresp" else b"NOOP")
        answer = getattr(pop, read)()
        if read == "_getlongresp":
            assert answer[0].startswith(b"+OK") and len(answer[1]) == 20
        else:
            assert (answer[0] if read == "_getline" else answer).startswith(b"+OK")
        assert dict([first, *batch]) == expected
