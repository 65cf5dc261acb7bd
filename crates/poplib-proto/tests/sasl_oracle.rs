//! The mechanisms against the servers of the crate rsasl, which share nothing with them.
#![allow(clippy::unwrap_used, reason = "a failure ends the test")]

use std::io::Cursor;
use std::sync::Arc;

use pbkdf2::hmac::{EagerHash, Hmac, KeyInit, Mac};
use pbkdf2::pbkdf2_hmac;
use poplib_proto::Secret;
use poplib_proto::sasl::{
    self, Anonymous, Bearer, BindingFlag, ChannelBinding, External, HashFunction, Login,
    Mechanism as _, Nonce, OAuthBearer, Password, Plain, SaslMisbehaviour, Scram, Sha1, Sha256,
    Sha512, XOAuth2,
};
use proptest::prelude::*;
use rsasl::callback::{Context, Request, SessionCallback, SessionData};
use rsasl::mechanisms::anonymous::{ANONYMOUS, AnonymousToken};
use rsasl::mechanisms::external::EXTERNAL;
use rsasl::mechanisms::login::LOGIN;
use rsasl::mechanisms::oauthbearer::OAUTHBEARER;
use rsasl::mechanisms::oauthbearer::properties::{OAuthBearerError, OAuthBearerValidate};
use rsasl::mechanisms::plain::PLAIN;
use rsasl::mechanisms::scram::properties::ScramStoredPassword;
use rsasl::mechanisms::scram::{
    SCRAM_SHA1, SCRAM_SHA1_PLUS, SCRAM_SHA256, SCRAM_SHA256_PLUS, SCRAM_SHA512, SCRAM_SHA512_PLUS,
};
use rsasl::mechanisms::xoauth2::XOAUTH2;
use rsasl::mechanisms::xoauth2::properties::XOAuth2Validate;
use rsasl::prelude::{
    ChannelBindingCallback, Mechanism, Mechname, Registry, SASLConfig, SASLServer, SessionError,
    Validation,
};
use rsasl::property::{AuthId, AuthzId, OAuthBearerKV, OAuthBearerToken, Password as ItsPassword};
use rsasl::validate::{Validate, ValidationError};
use sha2::Digest;

/// What the server has understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Understood {
    user: Option<String>,
    authzid: Option<String>,
    password: Option<Vec<u8>>,
    token: Option<String>,
    fields: Vec<(String, String)>,
    trace: Option<String>,
}

impl Validation for Understood {
    type Value = Self;
}

/// What the server has stored of one password (RFC 5802 §3).
#[derive(Clone, Default)]
struct Verifier {
    iterations: u32,
    salt: Vec<u8>,
    stored_key: Vec<u8>,
    server_key: Vec<u8>,
}

impl Verifier {
    fn of<D: Digest + EagerHash<Core: Sync>>(
        password: &[u8],
        salt: &[u8],
        iterations: u32,
    ) -> Self {
        let mut salted = vec![0; <D as Digest>::output_size()];
        pbkdf2_hmac::<D>(password, salt, iterations, &mut salted);
        let key = |text: &str| {
            let hmac = Hmac::<D>::new_from_slice(&salted).unwrap();
            hmac.chain_update(text).finalize().into_bytes()
        };
        Self {
            iterations,
            salt: salt.to_vec(),
            stored_key: D::digest(key("Client Key")).to_vec(),
            server_key: key("Server Key").to_vec(),
        }
    }
}

#[derive(Clone, Default)]
struct Server {
    verifier: Verifier,
    binding: Option<(&'static str, Vec<u8>)>,
    token_is_good: bool,
}

static WITHOUT_PLUS: [Mechanism; 9] = [
    SCRAM_SHA1,
    SCRAM_SHA256,
    SCRAM_SHA512,
    PLAIN,
    LOGIN,
    ANONYMOUS,
    EXTERNAL,
    XOAUTH2,
    OAUTHBEARER,
];
static WITH_PLUS: [Mechanism; 6] = [
    SCRAM_SHA1,
    SCRAM_SHA1_PLUS,
    SCRAM_SHA256,
    SCRAM_SHA256_PLUS,
    SCRAM_SHA512,
    SCRAM_SHA512_PLUS,
];

const SCOPE: &str = "https://mail.example.org/";

impl SessionCallback for Server {
    fn callback(
        &self,
        _session: &SessionData,
        _context: &Context<'_>,
        request: &mut Request<'_>,
    ) -> Result<(), SessionError> {
        let verifier = &self.verifier;
        request.satisfy::<ScramStoredPassword<'static>>(&ScramStoredPassword::new(
            verifier.iterations,
            &verifier.salt,
            &verifier.stored_key,
            &verifier.server_key,
        ))?;
        if self.token_is_good {
            request.satisfy::<OAuthBearerValidate>(&Ok(()))?;
            request.satisfy::<XOAuth2Validate>(&Ok(()))?;
        } else {
            let error = OAuthBearerError::new("invalid_token", Some(SCOPE), None);
            request.satisfy::<OAuthBearerValidate>(&Err(error))?;
            request.satisfy::<XOAuth2Validate>(&Err(r#"{"status":"401"}"#))?;
        }
        Ok(())
    }

    fn validate(
        &self,
        _session: &SessionData,
        context: &Context<'_>,
        validate: &mut Validate<'_>,
    ) -> Result<(), ValidationError> {
        let owned = |text: &str| text.to_owned();
        let understood = Understood {
            user: context.get_ref::<AuthId>().map(owned),
            authzid: context.get_ref::<AuthzId>().map(owned),
            password: context.get_ref::<ItsPassword>().map(<[u8]>::to_vec),
            token: context.get_ref::<OAuthBearerToken>().map(owned),
            fields: context
                .get_ref::<OAuthBearerKV>()
                .unwrap_or_default()
                .iter()
                .map(|(name, value)| (owned(name), owned(value)))
                .collect(),
            trace: context.get_ref::<AnonymousToken>().map(owned),
        };
        validate.with::<Understood, _>(|| Ok(understood))?;
        Ok(())
    }
}

struct Binding(Option<(&'static str, Vec<u8>)>);

impl ChannelBindingCallback for Binding {
    fn get_cb_data(&self, name: &str) -> Option<&[u8]> {
        let (known, data) = self.0.as_ref()?;
        (*known == name).then_some(data)
    }
}

impl Server {
    /// Plays the exchange to the end: the last thing the server said, and what it understood.
    fn play(&self, client: &mut dyn sasl::Mechanism) -> Result<Option<Understood>, SessionError> {
        let config: Arc<SASLConfig> = SASLConfig::builder()
            .with_registry(Registry::with_mechanisms(match self.binding {
                Some(_) => &WITH_PLUS,
                None => &WITHOUT_PLUS,
            }))
            .with_callback(self.clone())
            .unwrap();
        let server = SASLServer::<Understood, _>::with_cb(config, Binding(self.binding.clone()));
        let name = Mechname::parse(client.name().as_bytes()).unwrap();
        let mut session = server.start_suggested(name).unwrap();

        let mut response = client.initial_response().unwrap();
        loop {
            let mut challenge = Cursor::new(Vec::new());
            let response_octets = response.as_ref().map(Secret::expose);
            let state = session.step(response_octets, &mut challenge)?;
            let challenge = challenge.into_inner();
            if state.is_running() || state.has_sent_message() {
                response = Some(client.respond(&challenge).unwrap());
            }
            if !state.is_running() {
                return Ok(session.validation());
            }
        }
    }

    #[track_caller]
    fn understood(&self, mut client: impl sasl::Mechanism) -> Understood {
        let understood = self.play(&mut client).unwrap();
        client.finish().unwrap();
        assert!(client.credentials_sent());
        assert_eq!(client.failure(), None);
        understood.unwrap()
    }
}

fn scram<H: HashFunction>(password: &Password, flag: BindingFlag) -> Scram<H> {
    let nonce = Nonce::derive(&[3; 32], "test");
    Scram::new(password, flag, nonce)
        .unwrap()
        .iterations(1..=100)
}

/// A name or a password that SASLprep leaves alone.
fn ascii() -> impl Strategy<Value = String> {
    "[ -~]{2,40}"
}

/// rsasl, unlike RFC 5802 §5.1, takes names apart without undoing their escapes.
fn unescaped(understood: Understood) -> Understood {
    let undo = |name: String| name.replace("=2C", ",").replace("=3D", "=");
    Understood {
        user: understood.user.map(undo),
        authzid: understood.authzid.map(undo),
        ..understood
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn p20_plain_is_understood(user in ascii(), secret in ascii(), authzid in ascii()) {
        let password = Password::new(&*user, &*secret).acting_as(&*authzid);
        let expected = Understood {
            user: Some(user),
            authzid: Some(authzid),
            password: Some(secret.into_bytes()),
            ..Understood::default()
        };
        prop_assert_eq!(Server::default().understood(Plain::new(&password).unwrap()), expected);
    }

    #[test]
    fn p20_login_is_understood(user in "[^\0]+", secret in "[^\0]+") {
        let login = Login::new(&Password::new(&*user, &*secret)).unwrap();
        let expected = Understood {
            user: Some(user),
            password: Some(secret.into_bytes()),
            ..Understood::default()
        };
        prop_assert_eq!(Server::default().understood(login), expected);
    }

    #[test]
    fn p20_tokens_are_understood(user in "[a-z@.]{1,20}", token in "[!-~]{1,200}", port: u16) {
        let bearer = Bearer::new(&*user, &*token, "pop.example.org");
        let server = Server { token_is_good: true, ..Server::default() };

        let understood = server.understood(XOAuth2::new(&bearer).unwrap());
        prop_assert_eq!(understood.user.as_deref(), Some(&*user));
        prop_assert_eq!(understood.token.as_deref(), Some(&*token));

        let understood = server.understood(OAuthBearer::new(&bearer, port).unwrap());
        prop_assert_eq!(understood.authzid, Some(user));
        prop_assert_eq!(understood.token, Some(format!("Bearer {token}")));
        let fields = [("host", "pop.example.org".to_owned()), ("port", port.to_string())];
        prop_assert_eq!(understood.fields, fields.map(|(name, value)| (name.to_owned(), value)));
    }

    #[test]
    fn p16_scram_is_understood(
        user in ascii(),
        secret in ascii(),
        salt in prop::collection::vec(any::<u8>(), 1..40),
        iterations in 1_u32..20,
    ) {
        let password = Password::new(&*user, &*secret);
        let server = |verifier| Server { verifier, ..Server::default() };

        let sha_1 = server(Verifier::of::<sha1::Sha1>(secret.as_bytes(), &salt, iterations));
        let client = scram::<Sha1>(&password, BindingFlag::Unsupported);
        prop_assert_eq!(unescaped(sha_1.understood(client)).user, Some(user.clone()));

        let sha_256 = server(Verifier::of::<sha2::Sha256>(secret.as_bytes(), &salt, iterations));
        let client = scram::<Sha256>(&password, BindingFlag::Unsupported);
        prop_assert_eq!(unescaped(sha_256.understood(client)).user, Some(user.clone()));

        let sha_512 = server(Verifier::of::<sha2::Sha512>(secret.as_bytes(), &salt, iterations));
        let client = scram::<Sha512>(&password, BindingFlag::Unsupported);
        prop_assert_eq!(unescaped(sha_512.understood(client)).user, Some(user));
    }

    #[test]
    fn p17_bound_scram_is_understood(
        secret in ascii(),
        authzid in ascii(),
        data in prop::collection::vec(any::<u8>(), 1..70),
    ) {
        let password = Password::new("user", &*secret).acting_as(&*authzid);
        for binding in [
            ChannelBinding::TlsExporter(data.clone()),
            ChannelBinding::TlsServerEndPoint(data.clone()),
        ] {
            let server = |verifier| Server {
                verifier,
                binding: Some((binding.name(), data.clone())),
                ..Server::default()
            };
            let sha_256 = server(Verifier::of::<sha2::Sha256>(secret.as_bytes(), b"salt", 7));
            let client = scram::<Sha256>(&password, BindingFlag::Bound(binding.clone()));
            prop_assert_eq!(client.name(), "SCRAM-SHA-256-PLUS");
            let understood = unescaped(sha_256.understood(client));
            prop_assert_eq!(understood.authzid.as_ref(), Some(&authzid));

            let sha_512 = server(Verifier::of::<sha2::Sha512>(secret.as_bytes(), b"salt", 7));
            let client = scram::<Sha512>(&password, BindingFlag::Bound(binding.clone()));
            prop_assert_eq!(client.name(), "SCRAM-SHA-512-PLUS");
            let understood = unescaped(sha_512.understood(client));
            prop_assert_eq!(understood.authzid.as_ref(), Some(&authzid));
        }
    }
}

#[test]
fn p16_a_wrong_password_is_refused_by_the_server() {
    let verifier = Verifier::of::<sha2::Sha256>(b"right", b"salt", 5);
    let server = Server {
        verifier,
        ..Server::default()
    };
    let wrong = Password::new("user", "wrong");
    let mut client = scram::<Sha256>(&wrong, BindingFlag::Unsupported);
    assert_eq!(server.play(&mut client).unwrap(), None);
    let failure = client.failure().unwrap();
    assert_eq!(failure.status.as_deref(), Some("invalid-proof"));
    assert_eq!(
        client.finish().unwrap_err(),
        SaslMisbehaviour::UnearnedSuccess.into()
    );
}

#[test]
fn p17_another_connections_binding_is_refused_by_the_server() {
    let server = Server {
        verifier: Verifier::of::<sha1::Sha1>(b"secret", b"salt", 5),
        binding: Some(("tls-exporter", vec![1; 32])),
        ..Server::default()
    };
    let password = Password::new("user", "secret");
    let binding = ChannelBinding::TlsExporter(vec![2; 32]);
    let mut client = scram::<Sha1>(&password, BindingFlag::Bound(binding));
    assert_eq!(client.name(), "SCRAM-SHA-1-PLUS");
    assert_eq!(server.play(&mut client).unwrap(), None);
    let failure = client.failure().unwrap();
    assert_eq!(
        failure.status.as_deref(),
        Some("channel-bindings-dont-match")
    );
}

#[test]
fn p17_a_server_that_can_bind_refuses_to_be_told_that_it_cannot() {
    let secret = Password::new("user", "secret");
    let client = |flag| scram::<Sha256>(&secret, flag);
    let verifier = Verifier::of::<sha2::Sha256>(b"secret", b"salt", 5);
    let mut server = Server {
        verifier,
        ..Server::default()
    };
    server.understood(client(BindingFlag::NotOffered));
    server.understood(client(BindingFlag::Unsupported));

    server.binding = Some(("tls-exporter", vec![1; 32]));
    server.understood(client(BindingFlag::Unsupported));
    let mut denied = client(BindingFlag::NotOffered);
    assert!(server.play(&mut denied).is_err());
    assert!(!denied.credentials_sent());
}

#[test]
fn p15_a_refused_token_is_explained() {
    let bearer = Bearer::new("user", "token", "pop.example.org");
    let server = Server::default();

    let mut client = OAuthBearer::new(&bearer, 995).unwrap();
    server.play(&mut client).unwrap();
    let failure = client.failure().unwrap();
    assert_eq!(failure.status.as_deref(), Some("invalid_token"));
    assert_eq!(failure.scope.as_deref(), Some(SCOPE));

    let mut client = XOAuth2::new(&bearer).unwrap();
    server.play(&mut client).unwrap();
    let failure = client.failure().unwrap();
    assert_eq!(failure.status.as_deref(), Some("401"));
}

#[test]
fn p20_external_and_anonymous_are_understood() {
    let server = Server::default();
    for (authzid, expected) in [(None, ""), (Some("fred@example.com"), "fred@example.com")] {
        let understood = server.understood(External::new(authzid).unwrap());
        assert_eq!(understood.authzid.as_deref(), Some(expected));
    }
    for trace in ["", "sirhc", "guest@example.org"] {
        let understood = server.understood(Anonymous::new(trace).unwrap());
        assert_eq!(understood.trace.as_deref(), Some(trace));
    }
}
