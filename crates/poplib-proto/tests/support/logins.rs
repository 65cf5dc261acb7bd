//! The calls that log in.

use poplib_proto::Secret;
use poplib_proto::command::{Apop, Auth, Login, LoginParameters};
use poplib_proto::sasl::{
    Bearer, CramMd5, Credentials, External, Login as LoginMechanism, Mechanism, OAuthBearer,
    Password, Plain, Policy, Timestamp, XOAuth2,
};

use crate::support::calls::{AnyCall, described, exchanged, said};

/// Where the tokens go.
const HOST: &str = "pop.example.org";

/// `apop USER PASSWORD GREETING`
pub(crate) fn apop(arguments: &str) -> Box<dyn AnyCall> {
    let [user, password, greeting] = words(arguments);
    let timestamp = Timestamp::in_greeting(greeting.as_bytes());
    let timestamp = timestamp.expect("no odd timestamp").expect("a timestamp");
    let password = Secret::from(password);
    described(Apop::new(user.as_bytes(), &password, &timestamp), said)
}

/// `auth MECHANISM USER SECRET`
pub(crate) fn auth(arguments: &str) -> Box<dyn AnyCall> {
    let [name, user, secret] = words(arguments);
    let password = Password::new(user, secret);
    let bearer = Bearer::new(user, secret, HOST);
    let mechanism: Box<dyn Mechanism> = match name {
        "PLAIN" => Box::new(Plain::new(&password).expect("a password that can be sent")),
        "LOGIN" => Box::new(LoginMechanism::new(&password).expect("a password that can be sent")),
        "CRAM-MD5" => Box::new(CramMd5::new(&password).expect("a user that can be sent")),
        "EXTERNAL" => Box::new(External::new(None).expect("no identity")),
        "XOAUTH2" => Box::new(XOAuth2::new(&bearer).expect("a token that can be sent")),
        "OAUTHBEARER" => Box::new(OAuthBearer::new(&bearer, 995).expect("a token")),
        _ => panic!("no mechanism is named {name:?}"),
    };
    exchanged(Auth::new(mechanism), said)
}

/// `login USER SECRET`: the best way there is
pub(crate) fn login(arguments: &str) -> Box<dyn AnyCall> {
    let [user, password] = words(arguments);
    let parameters = LoginParameters {
        host: HOST.into(),
        port: 995,
        bindings: Vec::new(),
        except: None,
        policy: Policy::default(),
        timestamp: None,
        entropy: [7; 32],
    };
    let login = Login::new(Credentials::password(user, password), parameters);
    exchanged(login, |it| {
        [vec![it.method.clone()], said(&it.reply)].concat()
    })
}

/// Words; the last may hold spaces.
fn words<const COUNT: usize>(text: &str) -> [&str; COUNT] {
    let words: Vec<&str> = text.splitn(COUNT, ' ').collect();
    words.try_into().expect("a word is missing")
}
