//! USER and PASS, APOP, RPOP.

use poplib::{Chain, CodeKind, Error, Fault, LoginError, ProtocolError};

use super::*;
use crate::support::{received, sandbox, started};

behaviour! { user_and_pass_log_in {
    let sandbox = started(sandbox());
    let mut session = go!(session(&sandbox));
    assert_eq!(go!(session.stat()).unwrap().messages, 3);
    go!(session.quit()).unwrap();
    assert_eq!(sandbox.sessions()[0].user.as_deref(), Some(USER));
}}

behaviour! { a_refused_password_gives_the_client_back {
    let sandbox = started(sandbox());
    let mut client = go!(connected(&plaintext(&sandbox)));
    go!(client.user(USER)).unwrap();
    let LoginError { error, client, .. } = go!(client.pass("wrong")).unwrap_err();
    assert_eq!(error.code().unwrap().kind(), CodeKind::Auth);
    assert!(!error.is_retryable());
    assert_eq!(
        error.to_string(),
        "PASS was refused: the server said \"[AUTH] invalid user name or password\""
    );
    let session = go!(logged_in(client.unwrap()));
    go!(session.quit()).unwrap();
}}

behaviour! { a_connection_closed_at_a_wrong_password_gives_no_client {
    let script = Script::greeting("+OK\r\n")
        .on("USER me", "+OK\r\n")
        .on("PASS wrong", "");
    let (mut client, _) = go!(scripted(script));
    go!(client.user("me")).unwrap();
    let refused = go!(client.pass("wrong")).unwrap_err();
    assert!(refused.client.is_none());
    let error = Error::from(refused);
    assert!(matches!(error, Error::Protocol(ProtocolError::Closed(_))), "{error:?}");
}}

behaviour! { apop_sends_the_digest_of_rfc_1939 {
    let line = "APOP mrose c4c9334bac560ecc979e58001b3e22fb";
    let script = Script::new().on(line, "+OK maildrop has 1 message (369 octets)\r\n");
    let (client, received) = go!(scripted(script));
    go!(client.apop("mrose", "tanstaaf")).unwrap();
    assert_eq!(received.text(), format!("{line}\r\n"));
}}

behaviour! { apop_logs_in_to_the_sandbox {
    let sandbox = started(sandbox());
    let client = go!(connected(&plaintext(&sandbox)));
    let refused = go!(client.apop(USER, "wrong")).unwrap_err();
    assert_eq!(refused.error.code().unwrap().kind(), CodeKind::Auth);
    let mut session = go!(refused.client.unwrap().apop(USER, PASSWORD)).unwrap();
    assert_eq!(go!(session.stat()).unwrap().messages, 3);
}}

behaviour! { apop_without_a_timestamp_sends_nothing {
    for greeting in ["+OK ready\r\n", "+OK <a@b> <c@d>\r\n", "+OK <a\u{80}@b>\r\n"] {
        let (client, received) = go!(scripted(Script::greeting(greeting)));
        let refused = go!(client.apop("me", "secret")).unwrap_err();
        assert_eq!(refused.error.fault(), Fault::Caller);
        assert!(refused.client.is_some());
        assert_eq!(received.text(), "");
    }
}}

behaviour! { rpop_logs_in_where_the_server_trusts_the_address {
    let sandbox = started(sandbox().allow_rpop(true));
    let mut client = go!(connected(&plaintext(&sandbox)));
    go!(client.user(USER)).unwrap();
    let session = go!(client.rpop("local-name")).unwrap();
    go!(session.quit()).unwrap();
    assert_eq!(received(&sandbox), "USER alice\r\nRPOP local-name\r\nQUIT\r\n");
}}

behaviour! { a_refused_rpop_gives_the_client_back {
    let sandbox = started(sandbox());
    let mut client = go!(connected(&plaintext(&sandbox)));
    go!(client.user(USER)).unwrap();
    let refused = go!(client.rpop("local-name")).unwrap_err();
    assert_eq!(refused.error.fault(), Fault::Server);
    go!(logged_in(refused.client.unwrap()));
}}

behaviour! { the_maildrop_is_locked_for_one_session {
    let sandbox = started(sandbox());
    let first = go!(session(&sandbox));
    let mut second = go!(connected(&plaintext(&sandbox)));
    go!(second.user(USER)).unwrap();
    let refused = go!(second.pass(PASSWORD)).unwrap_err();
    assert_eq!(refused.error.code().unwrap().kind(), CodeKind::InUse);
    assert!(refused.error.is_retryable());
    go!(first.quit()).unwrap();
    let second = go!(logged_in(refused.client.unwrap()));
    go!(second.quit()).unwrap();
}}

behaviour! { a_login_error_speaks_for_its_cause {
    let script = Script::new().on("PASS wrong", "-ERR no\r\n");
    let (mut client, _) = go!(scripted(script));
    go!(client.user("me")).unwrap();
    let refused = go!(client.pass("wrong")).unwrap_err();
    assert_eq!(Chain(&refused).to_string(), Chain(&refused.error).to_string());
}}
