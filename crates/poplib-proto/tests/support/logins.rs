//! The calls that log in.

use poplib_proto::Secret;
use poplib_proto::command::{Apop, Auth, Login, LoginParameters};
use poplib_proto::sasl::{
    Anonymous, Bearer, BindingFlag, ChannelBinding, CramMd5, Credentials, External, HashFunction,
    Login as LoginMechanism, Mechanism, Nonce, OAuthBearer, Password, Plain, Policy, Scram, Sha1,
    Sha256, Strength, Timestamp, XOAuth2,
};

use crate::support::calls::{AnyCall, described, exchanged, said};

/// Where the client is connected to, and where the tokens go.
const HOST: &str = "pop.example.org";

/// What RFC 5802's example has for the client's part of the nonce.
const NONCE: &str = "fyko+d2lbbFgONRv9qkxdawL";

/// `apop USER PASSWORD GREETING`
pub(crate) fn apop(arguments: &str) -> Box<dyn AnyCall> {
    let [user, password, greeting] = words(arguments);
    let timestamp = Timestamp::in_greeting(greeting.as_bytes());
    let timestamp = timestamp.expect("no odd timestamp").expect("a timestamp");
    let password = Secret::from(password);
    described(Apop::new(user.as_bytes(), &password, &timestamp), said)
}

/// `auth MECHANISM USER SECRET`; for `EXTERNAL` and `ANONYMOUS` the user is what is sent.
pub(crate) fn auth(arguments: &str) -> Box<dyn AnyCall> {
    let [name, user, secret] = words(arguments);
    let password = Password::new(user, secret);
    let bearer = Bearer::new(user, secret, HOST);
    let authzid = Some(user).filter(|user| !user.is_empty());
    let mechanism: Box<dyn Mechanism> = match name {
        "PLAIN" => Box::new(Plain::new(&password).expect("a password that can be sent")),
        "LOGIN" => Box::new(LoginMechanism::new(&password).expect("a password that can be sent")),
        "CRAM-MD5" => Box::new(CramMd5::new(&password).expect("a user that can be sent")),
        "SCRAM-SHA-1" => scram::<Sha1>(&password, BindingFlag::Unsupported),
        "SCRAM-SHA-256" => scram::<Sha256>(&password, BindingFlag::Unsupported),
        "SCRAM-SHA-256-PLUS" => scram::<Sha256>(&password, BindingFlag::Bound(binding())),
        "EXTERNAL" => Box::new(External::new(authzid).expect("an identity")),
        "ANONYMOUS" => Box::new(Anonymous::new(user).expect("a trace")),
        "XOAUTH2" => Box::new(XOAuth2::new(&bearer).expect("a token that can be sent")),
        "OAUTHBEARER" => Box::new(OAuthBearer::new(&bearer, 995).expect("a token")),
        _ => panic!("no mechanism is named {name:?}"),
    };
    exchanged(Auth::new(mechanism), said)
}

/// One iteration is enough for replays by the thousand.
fn scram<H: HashFunction + 'static>(password: &Password, flag: BindingFlag) -> Box<dyn Mechanism> {
    let nonce = Nonce::new(NONCE).expect("a printable nonce");
    let scram = Scram::<H>::new(password, flag, nonce).expect("a password that can be sent");
    Box::new(scram.iterations(1..=4096))
}

fn binding() -> ChannelBinding {
    ChannelBinding::TlsExporter(b"exported keying material".to_vec())
}

/// `login [OPTION]… USER SECRET`: the best way there is.
///
/// The options: `only=METHOD`, `minimum=STRENGTH`, `except=METHOD`, `timestamp=TIMESTAMP`, `bound`
/// (the connection has a channel binding), `token=HOST` (the secret is a token for that host),
/// `unasked` (without CAPA) and `one-by-one` (no USER and PASS in one flight).
pub(crate) fn login(arguments: &str) -> Box<dyn AnyCall> {
    let mut parameters = LoginParameters {
        host: HOST.into(),
        port: 995,
        bindings: Vec::new(),
        except: None,
        policy: Policy::default(),
        timestamp: None,
        entropy: [7; 32],
    };
    parameters.policy.iterations = 1..=4096;
    let mut token_host = None;
    let (mut unasked, mut one_by_one) = (false, false);
    let mut rest = arguments;
    while let Some((option, behind)) = rest.split_once(' ') {
        match option.split_once('=').unwrap_or((option, "")) {
            ("only", name) => parameters.policy.only = Some(name.parse().expect("a method")),
            ("minimum", name) => parameters.policy.minimum = strength(name),
            ("except", name) => parameters.except = Some(name.into()),
            ("timestamp", text) => {
                let timestamp = Timestamp::in_greeting(text.as_bytes());
                parameters.timestamp = timestamp.expect("no odd timestamp");
            }
            ("bound", "") => parameters.bindings.push(binding()),
            ("token", host) => token_host = Some(host),
            ("unasked", "") => unasked = true,
            ("one-by-one", "") => one_by_one = true,
            _ => break,
        }
        rest = behind;
    }
    let [user, secret] = words(rest);
    let credentials = match token_host {
        Some(host) => Credentials::bearer(user, secret, host),
        None => Credentials::password(user, secret),
    };
    let mut login = Login::new(credentials, parameters);
    if unasked {
        login = login.without_asking();
    }
    if one_by_one {
        login = login.without_pipelining();
    }
    exchanged(login, |it| {
        [vec![it.method.clone()], said(&it.reply)].concat()
    })
}

fn strength(name: &str) -> Strength {
    match name {
        "digest" => Strength::Digest,
        "mutual" => Strength::Mutual,
        "channel-bound" => Strength::ChannelBound,
        _ => panic!("no strength is named {name:?}"),
    }
}

/// Words; the last may hold spaces.
fn words<const COUNT: usize>(text: &str) -> [&str; COUNT] {
    let words: Vec<&str> = text.splitn(COUNT, ' ').collect();
    words.try_into().expect("a word is missing")
}
