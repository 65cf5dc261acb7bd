//! Which ways to log in are tried, and in which order.
#![allow(clippy::unwrap_used, reason = "a failure ends the test")]

use std::str;

use poplib_proto::sasl::{
    Candidate, ChannelBinding, Context, Credentials, Method, NoCandidate, Offer, Part, Password,
    Policy, Rejection, Strength, Timestamp, Unusable, choose,
};

const EVERYTHING: [&str; 16] = [
    "ANONYMOUS",
    "LOGIN",
    "PLAIN",
    "XOAUTH2",
    "GSSAPI",
    "EXTERNAL",
    "CRAM-MD5",
    "DIGEST-MD5",
    "SCRAM-SHA-1",
    "SCRAM-SHA-512",
    "SCRAM-SHA-256",
    "OAUTHBEARER",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-512-PLUS",
    "X-UNKNOWN",
];

/// A login under TLS without a binding, with the default policy, until a test says otherwise.
struct Scene {
    offer: Offer,
    credentials: Credentials,
    tls: bool,
    plaintext_credentials: bool,
    bindings: Vec<ChannelBinding>,
    policy: Policy,
}

impl Scene {
    fn offering(mechanisms: &[&str]) -> Self {
        Self {
            offer: Offer::of_mechanisms(mechanisms),
            credentials: Credentials::password("user", "secret"),
            tls: true,
            plaintext_credentials: false,
            bindings: Vec::new(),
            policy: Policy::default(),
        }
    }

    fn without_tls(mut self) -> Self {
        self.tls = false;
        self
    }

    fn in_clear(mut self) -> Self {
        self.tls = false;
        self.plaintext_credentials = true;
        self
    }

    fn bound(mut self) -> Self {
        self.bindings = vec![
            ChannelBinding::TlsExporter(vec![1; 32]),
            ChannelBinding::TlsServerEndPoint(vec![2; 32]),
        ];
        self
    }

    fn only(mut self, method: Method) -> Self {
        self.policy.only = Some(method);
        self
    }

    fn minimum(mut self, minimum: Strength) -> Self {
        self.policy.minimum = minimum;
        self
    }

    fn with(mut self, credentials: Credentials) -> Self {
        self.credentials = credentials;
        self
    }

    fn apop(mut self) -> Self {
        let greeting = b"+OK <1896.697170952@dbc.mtview.ca.us>";
        let timestamp = Timestamp::in_greeting(greeting).unwrap().unwrap();
        self.offer = self.offer.with_apop(timestamp);
        self
    }

    fn user_pass(mut self) -> Self {
        self.offer = self.offer.with_user_pass();
        self
    }

    fn choice(&self) -> Result<Vec<Candidate>, NoCandidate> {
        let context = Context {
            host: "pop.example.org",
            port: 995,
            tls: self.tls,
            plaintext_credentials: self.plaintext_credentials,
            bindings: &self.bindings,
            entropy: &[7; 32],
            policy: &self.policy,
        };
        choose(&self.offer, &self.credentials, &context)
    }

    #[track_caller]
    fn names(&self) -> Vec<String> {
        let choice = self.choice().unwrap();
        choice.iter().map(|one| one.name().to_owned()).collect()
    }

    #[track_caller]
    fn first_messages(&self) -> Vec<String> {
        let mut messages = Vec::new();
        for candidate in self.choice().unwrap() {
            if let Candidate::Sasl(mut mechanism) = candidate
                && let Some(message) = mechanism.initial_response().unwrap()
            {
                messages.push(String::from_utf8(message.expose().to_vec()).unwrap());
            }
        }
        messages
    }

    #[track_caller]
    fn rejected(&self) -> Vec<(Method, Rejection)> {
        self.choice().unwrap_err().rejected
    }
}

#[test]
fn p20_the_strongest_comes_first() {
    let scene = Scene::offering(&EVERYTHING).user_pass().bound();
    assert_eq!(
        scene.names(),
        [
            "SCRAM-SHA-512-PLUS",
            "SCRAM-SHA-256-PLUS",
            "SCRAM-SHA-1-PLUS",
            "SCRAM-SHA-512",
            "SCRAM-SHA-256",
            "SCRAM-SHA-1",
            "CRAM-MD5",
            "PLAIN",
            "LOGIN",
            "USER",
        ]
    );
}

#[test]
fn p20_names_are_read_in_any_case_and_once() {
    let scene = Scene::offering(&["plain", "Plain", "Scram-Sha-256", "+APOP", "USER"]);
    assert_eq!(scene.names(), ["SCRAM-SHA-256", "PLAIN"]);
}

#[test]
fn p20_a_password_in_clear_needs_tls_or_permission() {
    let offered = ["PLAIN", "LOGIN"];
    let scene = Scene::offering(&offered).user_pass().without_tls();
    assert_eq!(
        scene.rejected(),
        [
            (Method::Plain, Rejection::NeedsTls),
            (Method::Login, Rejection::NeedsTls),
            (Method::UserPass, Rejection::NeedsTls),
        ]
    );
    let scene = Scene::offering(&EVERYTHING).without_tls();
    let digests = ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5"];
    assert_eq!(scene.names(), digests);
    let scene = Scene::offering(&offered).user_pass().in_clear();
    assert_eq!(scene.names(), ["PLAIN", "LOGIN", "USER"]);
}

#[test]
fn p20_a_token_in_clear_needs_tls_or_permission() {
    let token = || Credentials::bearer("user", "token", "pop.example.org");
    let scene = Scene::offering(&EVERYTHING).with(token());
    assert_eq!(scene.names(), ["OAUTHBEARER", "XOAUTH2"]);
    assert_eq!(
        scene.without_tls().rejected(),
        [
            (Method::OAuthBearer, Rejection::NeedsTls),
            (Method::XOAuth2, Rejection::NeedsTls),
        ]
    );
    let scene = Scene::offering(&EVERYTHING).with(token()).in_clear();
    assert_eq!(scene.names(), ["OAUTHBEARER", "XOAUTH2"]);
}

#[test]
fn p20_other_credentials_have_their_own_mechanisms() {
    let scene = Scene::offering(&EVERYTHING).user_pass();
    let scene = scene.with(Credentials::external());
    assert_eq!(scene.names(), ["EXTERNAL"]);
    let scene = scene.with(Credentials::anonymous("guest@example.org"));
    assert_eq!(scene.names(), ["ANONYMOUS"]);
    assert_eq!(scene.first_messages(), ["guest@example.org"]);
}

#[test]
fn p20_nothing_offered_is_nothing_to_try() {
    let scene = Scene::offering(&["GSSAPI", "XOAUTH2"]);
    assert_eq!(scene.rejected(), []);
    assert_eq!(
        scene.choice().unwrap_err().to_string(),
        "the server offers no way to log in with these credentials"
    );
}

#[test]
fn p20_the_reasons_are_told() {
    let scene = Scene::offering(&["PLAIN"]).user_pass().without_tls();
    assert_eq!(
        scene.choice().unwrap_err().to_string(),
        "no way to log in may be tried: \
         PLAIN: it would send the secret in clear, without TLS; \
         USER: it would send the secret in clear, without TLS"
    );
}

#[test]
fn a12_nothing_below_the_minimum_is_tried() {
    let offered = || Scene::offering(&EVERYTHING).user_pass().bound();
    let bound = [
        "SCRAM-SHA-512-PLUS",
        "SCRAM-SHA-256-PLUS",
        "SCRAM-SHA-1-PLUS",
    ];
    let unbound = ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1"];
    let mutual = [bound, unbound].concat();
    let digest = [&mutual[..], &["CRAM-MD5"]].concat();
    let all = [&digest[..], &["PLAIN", "LOGIN", "USER"]].concat();
    assert_eq!(offered().minimum(Strength::Cleartext).names(), all);
    assert_eq!(offered().minimum(Strength::Digest).names(), digest);
    assert_eq!(offered().minimum(Strength::Mutual).names(), mutual);

    let scene = Scene::offering(&["PLAIN"]).user_pass();
    assert_eq!(
        scene.minimum(Strength::Digest).rejected(),
        [
            (Method::Plain, Rejection::BelowMinimum),
            (Method::UserPass, Rejection::BelowMinimum),
        ]
    );
}

#[test]
fn a12_the_minimum_holds_for_the_named_mechanism_too() {
    let scene = Scene::offering(&EVERYTHING).minimum(Strength::Mutual);
    assert_eq!(
        scene.only(Method::Plain).rejected(),
        [(Method::Plain, Rejection::BelowMinimum)]
    );
}

#[test]
fn a12_the_minimum_is_about_passwords() {
    let scene = Scene::offering(&["XOAUTH2"]).minimum(Strength::ChannelBound);
    let scene = scene.with(Credentials::bearer("user", "token", "pop.example.org"));
    assert_eq!(scene.names(), ["XOAUTH2"]);
}

#[test]
fn p19_a_named_mechanism_is_the_only_one() {
    let scene = Scene::offering(&EVERYTHING).user_pass().bound().apop();
    assert_eq!(scene.only(Method::CramMd5).names(), ["CRAM-MD5"]);
    let hidden = Scene::offering(&[]).only(Method::ScramSha256);
    assert_eq!(hidden.names(), ["SCRAM-SHA-256"]);
    assert_eq!(
        Scene::offering(&[]).only(Method::UserPass).names(),
        ["USER"]
    );
}

#[test]
fn p19_a_named_mechanism_must_fit() {
    let scene = Scene::offering(&EVERYTHING);
    assert_eq!(
        scene.only(Method::XOAuth2).rejected(),
        [(Method::XOAuth2, Rejection::OtherCredentials)]
    );
    let scene = Scene::offering(&EVERYTHING).without_tls();
    assert_eq!(
        scene.only(Method::Plain).rejected(),
        [(Method::Plain, Rejection::NeedsTls)]
    );
    let scene = Scene::offering(&EVERYTHING);
    assert_eq!(
        scene.only(Method::ScramSha256Plus).rejected(),
        [(Method::ScramSha256Plus, Rejection::NoChannelBinding)]
    );
    assert_eq!(
        Scene::offering(&EVERYTHING).only(Method::Apop).rejected(),
        [(Method::Apop, Rejection::NoTimestamp)]
    );
}

#[test]
fn p20_digest_md5_is_tried_only_where_it_is_named() {
    let scene = Scene::offering(&["DIGEST-MD5"]).without_tls();
    assert_eq!(
        scene.rejected(),
        [(Method::DigestMd5, Rejection::NotAutomatic)]
    );
    let named = Scene::offering(&EVERYTHING).only(Method::DigestMd5);
    assert_eq!(named.names(), ["DIGEST-MD5"]);
    assert_eq!(named.without_tls().names(), ["DIGEST-MD5"]);
}

#[test]
fn p17_the_flag_tells_the_truth_about_the_offer() {
    let flag = |scene: &Scene| scene.first_messages()[0][..2].to_owned();
    let bare = ["SCRAM-SHA-256"];
    let plus = ["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"];
    assert_eq!(flag(&Scene::offering(&bare)), "n,");
    assert_eq!(flag(&Scene::offering(&bare).bound()), "y,");
    assert_eq!(flag(&Scene::offering(&plus)), "n,");
    assert_eq!(flag(&Scene::offering(&plus).bound()), "p=");
}

#[test]
fn p17_a_plus_that_does_not_fit_is_followed_by_a_login_without() {
    for offered in [
        ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"],
        ["SCRAM-SHA-1-PLUS", "SCRAM-SHA-256"],
        ["SCRAM-SHA-512-PLUS", "SCRAM-SHA-256"],
        ["SCRAM-SHA-384-PLUS", "SCRAM-SHA-256"],
    ] {
        let messages = Scene::offering(&offered).bound().first_messages();
        let last = messages.last().unwrap();
        assert!(last.starts_with("n,,n=user,"), "{offered:?}: {last}");
    }
}

#[test]
fn p17_bindings_are_spent_sparingly() {
    let plus = ["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"];
    let header = |message: &String| message.split(',').next().unwrap().to_owned();
    let headers =
        |scene: Scene| -> Vec<String> { scene.first_messages().iter().map(header).collect() };
    let both = ["p=tls-exporter", "p=tls-server-end-point"];
    let scene = || Scene::offering(&plus).bound();
    assert_eq!(headers(scene()), ["p=tls-exporter", "n"]);
    assert_eq!(headers(scene().minimum(Strength::ChannelBound)), both);
    assert_eq!(headers(scene().only(Method::ScramSha256Plus)), both);
}

#[test]
fn p16_every_attempt_has_its_own_nonce() {
    let scene = Scene::offering(&EVERYTHING).bound();
    let mut nonces: Vec<String> = scene
        .first_messages()
        .iter()
        .filter_map(|message| Some(message.split_once(",r=")?.1.to_owned()))
        .collect();
    assert_eq!(nonces.len(), 6);
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), 6);
}

#[test]
fn p16_the_policy_bounds_the_iterations() {
    let mut scene = Scene::offering(&["SCRAM-SHA-256"]);
    scene.policy.iterations = 1..=1;
    let mut choice = scene.choice().unwrap();
    let Candidate::Sasl(scram) = &mut choice[0] else {
        panic!("{choice:?}");
    };
    let client_first = scram.initial_response().unwrap().unwrap();
    let client_first = str::from_utf8(client_first.expose()).unwrap();
    let nonce = client_first.split_once(",r=").unwrap().1;
    let challenge = format!("r={nonce}server,s=AAAA,i=1");
    assert!(scram.respond(challenge.as_bytes()).is_ok());
}

#[test]
fn a05_apop_is_not_automatic_where_there_is_tls_or_sasl() {
    let under_tls = Scene::offering(&[]).user_pass().apop();
    assert_eq!(under_tls.names(), ["USER"]);
    let nothing_else = Scene::offering(&[]).apop();
    assert_eq!(
        nothing_else.rejected(),
        [(Method::Apop, Rejection::NotAutomatic)]
    );
    let sasl = Scene::offering(&["CRAM-MD5"]).user_pass().apop();
    assert_eq!(sasl.without_tls().names(), ["CRAM-MD5"]);
}

#[test]
fn q18_apop_is_taken_where_there_is_nothing_better_or_it_is_named() {
    let plain = Scene::offering(&["PLAIN"]).user_pass().apop();
    assert_eq!(plain.without_tls().names(), ["+APOP"]);
    let in_clear = Scene::offering(&[]).user_pass().apop().in_clear();
    assert_eq!(in_clear.names(), ["+APOP", "USER"]);
    let named = Scene::offering(&EVERYTHING).apop().only(Method::Apop);
    assert_eq!(named.names(), ["+APOP"]);
}

#[test]
fn p05_apop_comes_with_its_digest() {
    let scene = Scene::offering(&[]).apop().without_tls();
    let scene = scene.with(Credentials::password("mrose", "tanstaaf"));
    let choice = scene.choice().unwrap();
    let Candidate::Apop { user, digest } = &choice[0] else {
        panic!("{choice:?}");
    };
    assert_eq!(user, "mrose");
    assert_eq!(digest.expose(), b"c4c9334bac560ecc979e58001b3e22fb");
}

#[test]
fn a16_a_token_goes_to_no_other_host() {
    let bound_to = |host: &str| {
        let token = Credentials::bearer("user", "token", host);
        Scene::offering(&["XOAUTH2"]).with(token)
    };
    for host in ["pop.example.org", "POP.Example.ORG", "pop.example.org."] {
        assert_eq!(bound_to(host).names(), ["XOAUTH2"], "{host}");
    }
    for host in ["pop.example.com", "example.org", "xpop.example.org", ""] {
        let rejection = Rejection::OtherHost(host.into());
        assert_eq!(bound_to(host).rejected(), [(Method::XOAuth2, rejection)]);
        let scene = bound_to(host).only(Method::OAuthBearer);
        let rejection = Rejection::OtherHost(host.into());
        assert_eq!(scene.rejected(), [(Method::OAuthBearer, rejection)]);
    }
}

#[test]
fn p20_what_cannot_act_as_somebody_else_is_passed_over() {
    let other = Credentials::Password(Password::new("user", "secret").acting_as("other"));
    let scene = Scene::offering(&EVERYTHING).user_pass().with(other.clone());
    let names = ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"];
    assert_eq!(scene.names(), names);
    let unusable = Rejection::Unusable(Unusable::NoAuthorizationIdentity);
    assert_eq!(
        Scene::offering(&["CRAM-MD5"])
            .user_pass()
            .with(other)
            .rejected(),
        [
            (Method::CramMd5, unusable.clone()),
            (Method::UserPass, unusable),
        ]
    );
}

#[test]
fn p20_credentials_that_fit_nowhere_are_refused_before_anything_is_sent() {
    let scene = Scene::offering(&["PLAIN"]).with(Credentials::password("user", ""));
    assert_eq!(
        scene.rejected(),
        [(
            Method::Plain,
            Rejection::Unusable(Unusable::Empty(Part::Password))
        )]
    );
}
