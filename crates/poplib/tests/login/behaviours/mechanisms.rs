//! Every mechanism against the sandbox, chosen by `login` and named to `auth`.

use poplib::sasl::{
    Anonymous, Bearer, BindingFlag, CramMd5, DigestMd5, External, Login, Mechanism, Method, Nonce,
    OAuthBearer, Password, Plain, Scram, Sha1, Sha256, Sha512, XOAuth2,
};
use poplib::{CodeKind, Credentials, Fault, Misuse, ProtocolError, Tls};
use poplib_sandbox::{Builder, TlsVersions};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::*;
use crate::support::{implicit_tls, plaintext, sandbox, started, stls, trusting};

const TOKEN: &str = "ya29.t0ken";

/// A server that knows every mechanism.
fn everything() -> Builder {
    sandbox()
        .bearer_token(USER, TOKEN)
        .external(USER)
        .anonymous(USER)
}

/// A token too long for the line of AUTH.
fn long_token() -> String {
    "l0ng".repeat(512)
}

fn bearer(token: &str) -> Credentials {
    Credentials::bearer(USER, token, "localhost")
}

/// What AUTH was sent with by the last session: a mechanism, and perhaps a response.
fn auth(sandbox: &Sandbox) -> (String, String) {
    let lines = lines(sandbox);
    let last = lines
        .iter()
        .rfind(|line| line.starts_with("AUTH "))
        .unwrap();
    let mut words = last.split(' ').skip(1);
    let mechanism = words.next().unwrap().to_owned();
    (mechanism, words.next().unwrap_or_default().to_owned())
}

function! {
    /// AUTH with this mechanism opens the maildrop.
    fn authenticates(config: &Config, mechanism: impl Mechanism + 'static) {
        let client = go!(connected(config));
        let mut session = go!(client.auth(mechanism)).unwrap();
        assert_eq!(go!(session.stat()).unwrap().messages, 3);
        go!(session.quit()).unwrap();
    }
}

behaviour! { p20_every_way_without_a_password_logs_in {
    let sandbox = started(everything());
    for (credentials, chosen, others) in [
        (bearer(TOKEN), Method::OAuthBearer, &[Method::XOAuth2][..]),
        (Credentials::external(), Method::External, &[]),
        (Credentials::anonymous("guest@example.org"), Method::Anonymous, &[]),
        (Credentials::anonymous(""), Method::Anonymous, &[]),
    ] {
        let config = implicit_tls(&sandbox);
        go!(works(&config, &credentials));
        assert_eq!(auth(&sandbox).0, chosen.name());
        for &method in others {
            go!(works(&config.clone().with_login_policy(only(method)), &credentials));
            assert_eq!(auth(&sandbox).0, method.name());
        }
    }
}}

behaviour! { p20_every_mechanism_logs_in_by_its_name {
    let sandbox = started(everything());
    let password = Password::new(USER, PASSWORD);
    let token = Bearer::new(USER, TOKEN, "localhost");
    let nonce = || Nonce::new("a-nonce-for-tests").unwrap();
    let unbound = BindingFlag::Unsupported;
    for config in [implicit_tls(&sandbox), stls(&sandbox), plaintext(&sandbox)] {
        go!(authenticates(&config, Plain::new(&password).unwrap()));
        go!(authenticates(&config, Login::new(&password).unwrap()));
        go!(authenticates(&config, CramMd5::new(&password).unwrap()));
        let digest = DigestMd5::new(&password, "localhost", nonce()).unwrap();
        go!(authenticates(&config, digest));
        let scram = Scram::<Sha1>::new(&password, unbound.clone(), nonce()).unwrap();
        go!(authenticates(&config, scram));
        let scram = Scram::<Sha256>::new(&password, unbound.clone(), nonce()).unwrap();
        go!(authenticates(&config, scram));
        let scram = Scram::<Sha512>::new(&password, unbound.clone(), nonce()).unwrap();
        go!(authenticates(&config, scram));
        go!(authenticates(&config, XOAuth2::new(&token).unwrap()));
        go!(authenticates(&config, OAuthBearer::new(&token, 995).unwrap()));
        go!(authenticates(&config, External::new(None).unwrap()));
        assert_eq!(auth(&sandbox), ("EXTERNAL".into(), "=".into()));
        go!(authenticates(&config, External::new(Some(USER)).unwrap()));
        go!(authenticates(&config, Anonymous::new("guest").unwrap()));
    }
}}

/// Trusts the sandbox and shows what it takes for this user's.
fn showing_the_certificate_of(user: &str, sandbox: &Sandbox) -> Tls {
    let client = sandbox.client_certificate(user).unwrap();
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(sandbox.ca_pem().as_bytes()).unwrap())
        .unwrap();
    let chain = vec![CertificateDer::from_pem_slice(client.certificate_pem.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(client.key_pem.as_bytes()).unwrap();
    let config = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .unwrap();
    Tls::unversioned_with_rustls(config.into())
}

behaviour! { p20_external_is_whom_our_certificate_is_for {
    let sandbox = started(sandbox().client_certificate(USER));
    for config in [implicit_tls(&sandbox), stls(&sandbox)] {
        let with_certificate = config
            .clone()
            .with_tls(showing_the_certificate_of(USER, &sandbox));
        // The second connection resumes the first one's session.
        for _ in 0..2 {
            go!(works(&with_certificate, &Credentials::external()));
            assert_eq!(auth(&sandbox), ("EXTERNAL".into(), "=".into()));
            assert_eq!(sandbox.sessions().pop().unwrap().user.as_deref(), Some(USER));
        }
        let client = go!(connected(&with_certificate));
        let as_another = External::new(Some("somebody")).unwrap();
        let error = go!(client.auth(as_another)).unwrap_err().error;
        assert_eq!(error.code().unwrap().kind(), CodeKind::Auth);

        // Without one there is nothing that the server could know us by.
        let refused = go!(refused(&config, &Credentials::external()));
        assert!(matches!(refused.error.protocol(), Some(ProtocolError::NoWay(_))), "{refused}");
        go!(refused.client.unwrap().quit()).unwrap();
    }
}}

behaviour! { p17_a_login_is_bound_to_its_connection_in_either_way {
    let sandbox = started(everything());
    let config = implicit_tls(&sandbox);
    let bindings = go!(connected(&config)).tls().unwrap().bindings().len();
    for index in 0..bindings {
        let client = go!(connected(&config));
        let binding = client.tls().unwrap().bindings()[index].clone();
        let flag = BindingFlag::Bound(binding.clone());
        let password = Password::new(USER, PASSWORD);
        let nonce = Nonce::new("a-nonce-for-tests").unwrap();
        let scram = Scram::<Sha256>::new(&password, flag, nonce).unwrap();
        let session = go!(client.auth(scram)).unwrap();
        go!(session.quit()).unwrap();
        let (mechanism, response) = auth(&sandbox);
        assert_eq!(mechanism, "SCRAM-SHA-256-PLUS");
        // `p=tls-export` and `p=tls-server` in base64.
        let expected = ["cD10bHMtZXhwb3J0", "cD10bHMtc2VydmVy"][index];
        assert!(response.starts_with(expected), "{}", binding.name());
    }
    assert_eq!(bindings, 2);
}}

behaviour! { p17_a_binding_of_another_connection_is_refused {
    let sandbox = started(everything());
    let config = implicit_tls(&sandbox);
    let other = go!(connected(&config)).tls().unwrap().bindings()[0].clone();
    let client = go!(connected(&config));
    let password = Password::new(USER, PASSWORD);
    let nonce = Nonce::new("a-nonce-for-tests").unwrap();
    let scram = Scram::<Sha256>::new(&password, BindingFlag::Bound(other), nonce).unwrap();
    let refused = go!(client.auth(scram)).unwrap_err();
    assert_eq!(refused.error.fault(), Fault::Server, "{refused}");
}}

behaviour! { p17_tls_1_2_binds_to_the_certificate {
    let sandbox = started(everything().tls_versions(TlsVersions::Only12));
    let config = implicit_tls(&sandbox);
    // The second connection resumes the first one's session.
    for _ in 0..2 {
        go!(works(&config, &credentials()));
        let (mechanism, response) = auth(&sandbox);
        assert_eq!(mechanism, "SCRAM-SHA-512-PLUS");
        assert!(response.starts_with("cD10bHMtc2VydmVy"), "{response}");
    }
}}

behaviour! { p17_a_server_that_knows_other_bindings_is_logged_in_to_without {
    let sandbox = started(everything().misbehave("tls-unique-only"));
    go!(works(&implicit_tls(&sandbox), &credentials()));
    let (mechanism, response) = auth(&sandbox);
    assert_eq!(mechanism, "SCRAM-SHA-512");
    // `n,,` and not `y,,`.
    assert!(response.starts_with("biws"), "{response}");
}}

behaviour! { p15_q02_why_a_token_is_refused_reaches_the_error {
    let sandbox = started(everything());
    for (method, status) in [(Method::OAuthBearer, "invalid_token"), (Method::XOAuth2, "401")] {
        let config = implicit_tls(&sandbox).with_login_policy(only(method));
        let refused = go!(refused(&config, &bearer("expired")));
        let refusal = refused.error.protocol().unwrap().refusal().unwrap();
        let explanation = refusal.explanation.as_ref().unwrap();
        assert_eq!(explanation.status.as_deref(), Some(status));
        assert!(explanation.scope.as_deref().unwrap().ends_with("mail"));
        assert_eq!(refused.error.code().unwrap().kind(), CodeKind::Auth);
        assert!(refused.error.to_string().contains(status), "{refused}");
        // The client can go on with another token.
        let session = go!(refused.client.unwrap().login(&bearer(TOKEN))).unwrap();
        go!(session.quit()).unwrap();
    }
}}

behaviour! { p14_q01_a_long_token_goes_in_a_line_of_its_own {
    let token = long_token();
    for fault in [None, Some("initial-response-limit=0"), Some("text-challenge"), Some("bare-plus")] {
        let builder = everything().bearer_token(USER, &token);
        let sandbox = started(match fault {
            Some(fault) => builder.misbehave(fault),
            None => builder,
        });
        for method in [Method::OAuthBearer, Method::XOAuth2] {
            let config = implicit_tls(&sandbox).with_login_policy(only(method));
            go!(works(&config, &bearer(&token)));
            assert_eq!(auth(&sandbox), (method.name().into(), String::new()));
        }
    }
}}

behaviour! { q03_q04_odd_challenges_stop_no_mechanism_that_needs_none {
    for fault in ["text-challenge", "bare-plus"] {
        let sandbox = started(everything().misbehave(fault));
        for method in [Method::Login, Method::Plain, Method::CramMd5, Method::DigestMd5, Method::ScramSha256] {
            let config = implicit_tls(&sandbox).with_login_policy(only(method));
            go!(works(&config, &credentials()));
        }
    }
}}

behaviour! { q19_a_mechanism_that_nobody_can_do_is_passed_over {
    let sandbox = started(everything().misbehave("unusable-mechanism"));
    let mut client = go!(connected(&implicit_tls(&sandbox)));
    assert!(go!(client.capa()).unwrap().sasl().any(|name| name == "GSSAPI"));
    let session = go!(client.login(&credentials())).unwrap();
    go!(session.quit()).unwrap();
}}

behaviour! { q19_p16_too_many_iterations_cost_the_mechanism_only {
    let sandbox = started(everything().misbehave("scram-iterations=2147483648"));
    go!(works(&implicit_tls(&sandbox), &credentials()));
    assert_eq!(auth(&sandbox).0, "CRAM-MD5");
    let cancelled = lines(&sandbox).iter().filter(|line| *line == "*").count();
    assert_eq!(cancelled, 6, "each SCRAM");
}}

behaviour! { p16_a_server_that_cannot_prove_itself_gets_nothing_more {
    for fault in ["scram-wrong-signature", "scram-foreign-nonce"] {
        let sandbox = started(everything().misbehave(fault));
        for method in [Method::ScramSha512Plus, Method::ScramSha256, Method::ScramSha1] {
            let config = implicit_tls(&sandbox).with_login_policy(only(method));
            let refused = go!(refused(&config, &credentials()));
            assert!(refused.client.is_none(), "{method}: {refused}");
            assert_eq!(refused.error.fault(), Fault::Server);
            assert!(!refused.error.is_retryable());
            assert_eq!(lines(&sandbox).last().unwrap(), "*");
        }
        let refused = go!(refused(&implicit_tls(&sandbox), &credentials()));
        assert!(refused.client.is_none());
        let tried = lines(&sandbox).iter().filter(|line| line.starts_with("AUTH")).count();
        assert_eq!(tried, 1);
    }
}}

behaviour! { p09_q20_only_auth_means_that_the_password_is_wrong {
    for (words, kind, retryable) in [
        ("[IN-USE] held", CodeKind::InUse, true),
        ("[LOGIN-DELAY] too soon", CodeKind::LoginDelay, true),
        ("[SYS/TEMP] later", CodeKind::SysTemp, true),
        ("[SYS/PERM] broken", CodeKind::SysPerm, false),
        ("[AUTH] no", CodeKind::Auth, false),
    ] {
        let sandbox = started(everything().misbehave(format!("refuse-login={words}")));
        let refused = go!(refused(&implicit_tls(&sandbox), &credentials()));
        assert_eq!(refused.error.code().unwrap().kind(), kind);
        assert_eq!(refused.error.is_retryable(), retryable, "{words}");
        go!(refused.client.unwrap().quit()).unwrap();
        let tried = lines(&sandbox).iter().filter(|line| line.starts_with("AUTH")).count();
        // What may be a refused binding is tried once without (P17).
        assert_eq!(tried, if kind == CodeKind::Auth { 2 } else { 1 }, "{words}");
    }
}}

behaviour! { a16_a_token_goes_to_its_own_host_only {
    let sandbox = started(everything());
    let elsewhere = Credentials::bearer(USER, TOKEN, "pop.example.org");
    let refused = go!(refused(&implicit_tls(&sandbox), &elsewhere));
    assert!(
        matches!(refused.error.protocol(), Some(ProtocolError::NoWay(_))),
        "{refused}"
    );
    go!(refused.client.unwrap().quit()).unwrap();
    assert_eq!(lines(&sandbox), ["CAPA", "QUIT"]);
}}

behaviour! { p20_a_mechanism_that_shows_a_secret_needs_tls {
    let sandbox = started(everything());
    let config = stls(&sandbox).with_security(poplib::Security::Plaintext);
    let client = go!(connected(&config));
    let token = Bearer::new(USER, TOKEN, "localhost");
    let refused = go!(client.auth(XOAuth2::new(&token).unwrap())).unwrap_err();
    assert!(matches!(
        refused.error.protocol(),
        Some(ProtocolError::Misuse(Misuse::PlaintextCredentials { .. }))
    ));
    let password = Password::new(USER, PASSWORD);
    let client = refused.client.unwrap();
    let session = go!(client.auth(CramMd5::new(&password).unwrap())).unwrap();
    go!(session.quit()).unwrap();
    assert_eq!(lines(&sandbox)[0], "AUTH CRAM-MD5");
}}

behaviour! { a05_q18_apop_is_taken_by_itself_only_where_nothing_better_is {
    let apop = |line: &String| line.starts_with("APOP");
    // In clear, with a timestamp that can be trusted, one that is none, and two.
    for (fault, is_apop) in [(None, true), (Some("bad-stamp"), false), (Some("two-stamps"), false)] {
        let builder = sandbox().mechanisms::<&str>([]);
        let sandbox = started(match fault {
            Some(fault) => builder.misbehave(fault),
            None => builder,
        });
        go!(works(&plaintext(&sandbox), &credentials()));
        assert_eq!(lines(&sandbox).iter().any(apop), is_apop, "{fault:?}");
        // Under TLS the password is safe.
        go!(works(&implicit_tls(&sandbox), &credentials()));
        assert!(!lines(&sandbox).iter().any(apop));
    }
    // With a mechanism beside it.
    let sandbox = started(sandbox().mechanisms(["CRAM-MD5"]));
    go!(works(&plaintext(&sandbox), &credentials()));
    assert_eq!(auth(&sandbox).0, "CRAM-MD5");
}}

behaviour! { p19_the_url_names_the_way {
    let sandbox = started(everything());
    for (parameter, expected) in [
        ("+APOP", "APOP "),
        ("%2BAPOP", "APOP "),
        ("login", "AUTH LOGIN"),
        ("USER", "USER "),
        ("*", "AUTH SCRAM-SHA-512-PLUS "),
    ] {
        let port = sandbox.tls_addr().port();
        let url = format!("pops://{USER};AUTH={parameter}@localhost:{port}");
        let config = Config::from_url(&url).unwrap().with_tls(trusting(&sandbox));
        go!(works(&config, &credentials()));
        let lines = lines(&sandbox);
        assert!(lines.iter().any(|line| line.starts_with(expected)), "{parameter}: {lines:?}");
    }
}}
