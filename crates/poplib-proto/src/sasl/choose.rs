//! The choice among the ways to log in.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::{
    Anonymous, BindingFlag, ChannelBinding, CramMd5, Credentials, DigestMd5, External,
    HashFunction, Login, Mechanism, Method, Nonce, OAuthBearer, Password, Plain, Policy, Scram,
    Sha1, Sha256, Sha512, Strength, Timestamp, Unusable, XOAuth2,
};
use crate::Secret;

/// What a server offers.
///
/// ```
/// use poplib_proto::sasl::Offer;
///
/// let offer = Offer::of_mechanisms(["PLAIN", "SCRAM-SHA-256", "GSSAPI"]).with_user_pass();
/// ```
#[derive(Clone, Debug, Default)]
pub struct Offer {
    methods: Vec<Method>,
    channel_binding: bool,
    timestamp: Option<Timestamp>,
}

/// The connection on which the login is to happen.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The host as the connection is configured: a token goes to no other ([A16]).
    ///
    /// [A16]: crate::rows#a16
    pub host: &'a str,
    /// Its port.
    pub port: u16,
    /// Whether TLS protects the connection now.
    pub tls: bool,
    /// Whether a password or a token may be sent in clear, without TLS.
    pub plaintext_credentials: bool,
    /// The bindings that this TLS connection has, the preferred one first.
    pub bindings: &'a [ChannelBinding],
    /// 32 octets from the system's generator, new for each login.
    pub entropy: &'a [u8; 32],
    /// What the user is willing to do.
    pub policy: &'a Policy,
}

/// A way to log in that is ready to be tried.
pub enum Candidate {
    /// With AUTH (RFC 5034).
    Sasl(Box<dyn Mechanism>),
    /// With APOP.
    Apop {
        /// The user name.
        user: String,
        /// The digest, 32 hexadecimal digits.
        digest: Secret,
    },
    /// With USER and PASS.
    UserPass {
        /// The user name.
        user: String,
        /// The password.
        password: Secret,
    },
}

/// Why a way to log in is not tried.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// It sends a password or a token in clear, and there is no TLS.
    NeedsTls,
    /// It is weaker than [`Policy::minimum`].
    BelowMinimum,
    /// It binds the login to the TLS connection, and that has no binding to offer.
    NoChannelBinding,
    /// It is only tried where it is named: DIGEST-MD5 always (RFC 6331), APOP where there is TLS or
    /// SASL ([A5]).
    ///
    /// [A5]: crate::rows#a5
    NotAutomatic,
    /// The greeting has no timestamp that APOP could use.
    NoTimestamp,
    /// The token belongs to another host ([A16]).
    ///
    /// [A16]: crate::rows#a16
    OtherHost(String),
    /// It takes credentials of another kind.
    OtherCredentials,
    /// The credentials cannot be said in it.
    Unusable(Unusable),
}

/// Nothing that the server offers may be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoCandidate {
    /// What was considered, and why it is not tried. Empty where the server offers nothing that
    /// takes such credentials.
    pub rejected: Vec<(Method, Rejection)>,
}

impl Offer {
    /// The SASL mechanisms that CAPA or AUTH lists. Names in any case; unknown ones are passed
    /// over.
    pub fn of_mechanisms<N: AsRef<[u8]>>(names: impl IntoIterator<Item = N>) -> Self {
        let mut offer = Self::default();
        for name in names {
            let name = String::from_utf8_lossy(name.as_ref()).to_ascii_uppercase();
            // Even of a hash that we do not know: the server can bind.
            offer.channel_binding |= name.starts_with("SCRAM-") && name.ends_with("-PLUS");
            let known = name.parse().ok();
            offer
                .methods
                .extend(known.filter(|method| is_sasl(*method)));
        }
        offer
    }

    /// The same with USER and PASS: CAPA lists `USER`, or there is no CAPA to ask.
    #[must_use]
    pub fn with_user_pass(mut self) -> Self {
        self.methods.push(Method::UserPass);
        self
    }

    /// The same with APOP, for the timestamp of the greeting.
    #[must_use]
    pub fn with_apop(mut self, timestamp: Timestamp) -> Self {
        self.methods.push(Method::Apop);
        self.timestamp = Some(timestamp);
        self
    }
}

fn is_sasl(method: Method) -> bool {
    !matches!(method, Method::Apop | Method::UserPass)
}

/// The ways to log in that the server offers, the credentials fit and the policy admits,
/// strongest first. There is at least one.
///
/// - A password in clear, or a token, only under TLS unless the policy says otherwise.
/// - Each -PLUS form is tried with the preferred binding only, since a binding that the server
///   does not know costs a failed login; with every binding where nothing weaker is admitted.
/// - DIGEST-MD5 only where it is named (RFC 6331).
/// - APOP only without TLS and without a usable SASL mechanism, unless it is named ([Q18]).
///
/// # Errors
/// Nothing may be tried; the reasons are given for each that was considered.
///
/// [Q18]: crate::rows#q18
pub fn choose(
    offer: &Offer,
    credentials: &Credentials,
    context: &Context<'_>,
) -> Result<Vec<Candidate>, NoCandidate> {
    let mut candidates = Vec::new();
    let mut rejected = Vec::new();
    for method in considered(offer, credentials, context.policy) {
        match admit(method, credentials, context)
            .and_then(|()| prepare(method, offer, credentials, context))
        {
            Ok(prepared) => candidates.extend(prepared),
            Err(rejection) => rejected.push((method, rejection)),
        }
    }
    if context.policy.only.is_none() {
        hold_back_apop(&mut candidates, &mut rejected, context.tls);
    }
    if candidates.is_empty() {
        return Err(NoCandidate { rejected });
    }
    Ok(candidates)
}

fn considered(offer: &Offer, credentials: &Credentials, policy: &Policy) -> Vec<Method> {
    match policy.only {
        Some(only) => [only].into(),
        None => Method::ALL
            .iter()
            .copied()
            .filter(|method| offer.methods.contains(method) && method.fits(credentials))
            .collect(),
    }
}

/// Whether the policy lets these credentials go to this server in this way.
fn admit(
    method: Method,
    credentials: &Credentials,
    context: &Context<'_>,
) -> Result<(), Rejection> {
    let policy = context.policy;
    if !method.fits(credentials) {
        return Err(Rejection::OtherCredentials);
    }
    if policy.only.is_none() && !method.is_automatic() {
        return Err(Rejection::NotAutomatic);
    }
    if let Credentials::Bearer(bearer) = credentials
        && !bearer.is_for(context.host)
    {
        return Err(Rejection::OtherHost(bearer.host.clone()));
    }
    if method
        .strength()
        .is_some_and(|strength| strength < policy.minimum)
    {
        return Err(Rejection::BelowMinimum);
    }
    if method.reveals_secret() && !context.tls && !context.plaintext_credentials {
        return Err(Rejection::NeedsTls);
    }
    Ok(())
}

fn prepare(
    method: Method,
    offer: &Offer,
    credentials: &Credentials,
    context: &Context<'_>,
) -> Result<Vec<Candidate>, Rejection> {
    let candidate = match credentials {
        Credentials::Password(password) => {
            return with_password(method, offer, password, context);
        }
        Credentials::Bearer(bearer) if method == Method::XOAuth2 => sasl(XOAuth2::new(bearer)),
        Credentials::Bearer(bearer) => sasl(OAuthBearer::new(bearer, context.port)),
        Credentials::External { authzid } => sasl(External::new(authzid.as_deref())),
        Credentials::Anonymous { trace } => sasl(Anonymous::new(trace)),
    };
    Ok([candidate?].into())
}

fn with_password(
    method: Method,
    offer: &Offer,
    password: &Password,
    context: &Context<'_>,
) -> Result<Vec<Candidate>, Rejection> {
    let candidate = match method {
        Method::ScramSha512Plus => return bound::<Sha512>(method, password, context),
        Method::ScramSha256Plus => return bound::<Sha256>(method, password, context),
        Method::ScramSha1Plus => return bound::<Sha1>(method, password, context),
        Method::ScramSha512 => unbound::<Sha512>(method, offer, password, context),
        Method::ScramSha256 => unbound::<Sha256>(method, offer, password, context),
        Method::ScramSha1 => unbound::<Sha1>(method, offer, password, context),
        Method::CramMd5 => sasl(CramMd5::new(password)),
        Method::DigestMd5 => {
            let nonce = Nonce::derive(context.entropy, method.name());
            sasl(DigestMd5::new(password, context.host, nonce))
        }
        Method::Plain => sasl(Plain::new(password)),
        Method::Login => sasl(Login::new(password)),
        Method::Apop => apop(offer, password),
        Method::UserPass => user_pass(password),
        Method::OAuthBearer | Method::XOAuth2 | Method::External | Method::Anonymous => {
            Err(Rejection::OtherCredentials)
        }
    };
    Ok([candidate?].into())
}

fn sasl<M: Mechanism + 'static>(mechanism: Result<M, Unusable>) -> Result<Candidate, Rejection> {
    match mechanism {
        Ok(mechanism) => Ok(Candidate::Sasl(Box::new(mechanism))),
        Err(unusable) => Err(Rejection::Unusable(unusable)),
    }
}

fn bound<H: HashFunction>(
    method: Method,
    password: &Password,
    context: &Context<'_>,
) -> Result<Vec<Candidate>, Rejection> {
    let policy = context.policy;
    let nothing_weaker = policy.minimum == Strength::ChannelBound || policy.only.is_some();
    let tried = if nothing_weaker {
        context.bindings.len()
    } else {
        1
    };
    let candidates: Vec<Candidate> = context
        .bindings
        .iter()
        .take(tried)
        .map(|binding| {
            let label = [method.name(), binding.name()].join(" ");
            let flag = BindingFlag::Bound(binding.clone());
            scram::<H>(&label, flag, password, context)
        })
        .collect::<Result<_, _>>()?;
    if candidates.is_empty() {
        return Err(Rejection::NoChannelBinding);
    }
    Ok(candidates)
}

fn unbound<H: HashFunction>(
    method: Method,
    offer: &Offer,
    password: &Password,
    context: &Context<'_>,
) -> Result<Candidate, Rejection> {
    // `y` where the server does offer to bind would be a refused login (RFC 5802 §6): it must
    // not be said when the offer was seen and none of our bindings fits it (P17).
    let flag = if offer.channel_binding || context.bindings.is_empty() {
        BindingFlag::Unsupported
    } else {
        BindingFlag::NotOffered
    };
    scram::<H>(method.name(), flag, password, context)
}

fn scram<H: HashFunction>(
    label: &str,
    flag: BindingFlag,
    password: &Password,
    context: &Context<'_>,
) -> Result<Candidate, Rejection> {
    let nonce = Nonce::derive(context.entropy, label);
    let scram = Scram::<H>::new(password, flag, nonce);
    sasl(scram.map(|scram| scram.iterations(context.policy.iterations.clone())))
}

fn apop(offer: &Offer, password: &Password) -> Result<Candidate, Rejection> {
    let timestamp = offer.timestamp.as_ref().ok_or(Rejection::NoTimestamp)?;
    password
        .check_without_authzid()
        .map_err(Rejection::Unusable)?;
    Ok(Candidate::Apop {
        user: password.user.clone(),
        digest: timestamp.digest(&password.secret),
    })
}

fn user_pass(password: &Password) -> Result<Candidate, Rejection> {
    password
        .check_without_authzid()
        .map_err(Rejection::Unusable)?;
    Ok(Candidate::UserPass {
        user: password.user.clone(),
        password: password.secret.clone(),
    })
}

fn hold_back_apop(
    candidates: &mut Vec<Candidate>,
    rejected: &mut Vec<(Method, Rejection)>,
    tls: bool,
) {
    let is_apop = |candidate: &Candidate| matches!(candidate, Candidate::Apop { .. });
    let is_sasl = |candidate: &Candidate| matches!(candidate, Candidate::Sasl(_));
    if candidates.iter().any(is_apop) && (tls || candidates.iter().any(is_sasl)) {
        candidates.retain(|candidate| !is_apop(candidate));
        rejected.push((Method::Apop, Rejection::NotAutomatic));
    }
}

impl Candidate {
    /// [`Method::name`], or that of a mechanism this crate does not know.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Sasl(mechanism) => mechanism.name(),
            Self::Apop { .. } => Method::Apop.name(),
            Self::UserPass { .. } => Method::UserPass.name(),
        }
    }
}

impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Candidate({})", self.name())
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .field("plaintext_credentials", &self.plaintext_credentials)
            .field("bindings", &self.bindings)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl core::error::Error for NoCandidate {}

impl fmt::Display for NoCandidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rejected.is_empty() {
            return f.write_str("the server offers no way to log in with these credentials");
        }
        f.write_str("no way to log in may be tried")?;
        for (index, (method, rejection)) in self.rejected.iter().enumerate() {
            write!(
                f,
                "{} {method}: {rejection}",
                if index == 0 { ":" } else { ";" }
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeedsTls => f.write_str("it would send the secret in clear, without TLS"),
            Self::BelowMinimum => f.write_str("it is weaker than the policy demands"),
            Self::NoChannelBinding => f.write_str("the connection has no channel binding"),
            Self::NotAutomatic => f.write_str("it is only used when named"),
            Self::NoTimestamp => f.write_str("the greeting has no usable timestamp"),
            Self::OtherHost(host) => write!(f, "the token belongs to {host}"),
            Self::OtherCredentials => f.write_str("it takes other credentials"),
            Self::Unusable(unusable) => unusable.fmt(f),
        }
    }
}
