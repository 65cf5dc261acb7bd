//! The command's options.

use std::fmt::Write;
use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Parser;
use poplib_sandbox::{
    Builder, CertificateSpec, Fault, Generated, Mailbox, Misbehaviour, Octets, Sandbox, Validity,
};

/// A POP3 server for people who test POP3 clients: it serves mail over plain TCP, STLS and TLS, and
/// misbehaves on request.
#[derive(Debug, Parser)]
#[command(name = "poplib-sandbox", version, max_term_width = 100, after_long_help = misbehaviours())]
pub(crate) struct Arguments {
    /// Where to listen in the clear, with STLS; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,

    /// Where to listen for TLS from the first octet
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    tls_listen: SocketAddr,

    /// A user; may be given more than once [default: alice:secret]
    #[arg(long = "user", value_name = "NAME:PASSWORD")]
    users: Vec<Pair>,

    /// A token for XOAUTH2 and OAUTHBEARER; may be given more than once
    #[arg(long = "token", value_name = "NAME:TOKEN")]
    tokens: Vec<Pair>,

    /// Serve the messages of this Maildir, and delete there what clients delete
    #[arg(long, value_name = "PATH", conflicts_with = "generate")]
    maildir: Option<PathBuf>,

    /// Serve so many generated messages, which cost no memory
    #[arg(long, value_name = "N")]
    generate: Option<u64>,

    /// The size of generated messages, such as 4096 or 400..20000000
    #[arg(
        long,
        value_name = "A..B",
        default_value = "4096",
        requires = "generate"
    )]
    octets: Sizes,

    /// What the generated messages are made from; the same seed gives the same messages
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 1,
        requires = "generate"
    )]
    seed: u64,

    /// Do something wrong; may be given more than once (--help lists what there is)
    #[arg(long = "misbehave", value_name = "NAME[=ARG][@SESSIONS]")]
    faults: Vec<Fault>,

    /// Write the certificate of the CA that clients must trust to this file, in PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_out: Option<PathBuf>,

    /// A DNS name in the certificate, instead of localhost; may be given more than once
    #[arg(long = "certificate-name", value_name = "NAME")]
    certificate_names: Vec<String>,

    /// Ask clients for a certificate, and write one for this user with its key to this file, in
    /// PEM; may be given more than once
    #[arg(long = "client-certificate", value_name = "NAME:FILE")]
    pub(crate) client_certificates: Vec<Pair>,

    /// Show an expired certificate
    #[arg(long)]
    expired_certificate: bool,

    /// Show a certificate that is signed by its own key
    #[arg(long)]
    self_signed_certificate: bool,

    /// Refuse to log in without TLS
    #[arg(long)]
    require_tls: bool,

    /// Leave the APOP timestamp out of the greeting
    #[arg(long)]
    no_apop: bool,

    /// Announce EXPIRE with this parameter; 0 deletes at QUIT what was retrieved
    #[arg(long, value_name = "DAYS")]
    expire: Option<String>,

    /// Announce LOGIN-DELAY with this parameter, and refuse logins of a user that come earlier
    #[arg(long, value_name = "SECONDS")]
    login_delay: Option<String>,

    /// Use socket buffers of 4 KiB, in which clients that only write soon get stuck
    #[arg(long)]
    small_buffers: bool,

    /// Tell of each session, when it ends, every line that the client sent, passwords included
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

impl Arguments {
    /// The sandbox that was asked for.
    pub(crate) fn sandbox(&self) -> io::Result<Builder> {
        let recorded = if self.verbose { 64 * 1024 } else { 0 };
        let mut builder = Sandbox::builder()
            .listen(self.listen)
            .listen_tls(self.tls_listen)
            .certificate(self.certificate())
            .require_tls(self.require_tls)
            .apop(!self.no_apop)
            .record_up_to(recorded);
        let default_user = [Pair("alice".to_owned(), "secret".to_owned())];
        let users = if self.users.is_empty() {
            &default_user
        } else {
            &*self.users
        };
        if self.maildir.is_some() && users.len() > 1 {
            let message = "--maildir is one user's: give --user once";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        for Pair(user, password) in users {
            builder = builder.mailbox(user, password, self.mailbox());
        }
        for Pair(user, token) in &self.tokens {
            builder = builder.bearer_token(user, token);
        }
        for Pair(user, _) in &self.client_certificates {
            builder = builder.client_certificate(user);
        }
        for fault in &self.faults {
            builder = builder.misbehave(fault.clone());
        }
        if let Some(parameter) = &self.expire {
            builder = builder.expire(parameter);
        }
        if let Some(parameter) = &self.login_delay {
            builder = builder.login_delay(parameter);
        }
        if self.small_buffers {
            builder = builder.small_buffers();
        }
        Ok(builder)
    }

    fn mailbox(&self) -> Mailbox {
        match (&self.maildir, self.generate) {
            (Some(path), _) => Mailbox::maildir(path),
            (None, Some(messages)) => Mailbox::generated(Generated {
                seed: self.seed,
                messages,
                octets: Octets::Uniform(self.octets.0.clone()),
            }),
            (None, None) => Mailbox::messages(SAMPLES),
        }
    }

    fn certificate(&self) -> CertificateSpec {
        let mut certificate = match &*self.certificate_names {
            [] => CertificateSpec::default(),
            names => CertificateSpec::for_names(names.iter().cloned()),
        };
        if self.expired_certificate {
            certificate.validity = Validity::Expired;
        }
        certificate.self_signed = self.self_signed_certificate;
        certificate
    }
}

/// What is served when nothing is said.
const SAMPLES: [&str; 3] = [
    "From: Sender <sender@example.org>\nSubject: A short message\n\nHello.\n",
    "From: Sender <sender@example.org>\nSubject: Lines with dots\n\n.\n..\n.dot\n",
    "From: Sender <sender@example.org>\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n\
     Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nGrüße\n",
];

/// `NAME:VALUE`.
#[derive(Clone, Debug)]
pub(crate) struct Pair(pub(crate) String, pub(crate) String);

impl FromStr for Pair {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text
            .split_once(':')
            .ok_or("a colon must separate the two")?;
        Ok(Self(name.to_owned(), value.to_owned()))
    }
}

/// `A..B`, both ends included, or one size.
#[derive(Clone, Debug)]
struct Sizes(RangeInclusive<u64>);

impl FromStr for Sizes {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (smallest, largest) = text.split_once("..").unwrap_or((text, text));
        let number = |text: &str| {
            text.parse()
                .map_err(|_| "octets are a number, or two with .. between")
        };
        let range = number(smallest)?..=number(largest)?;
        if range.is_empty() {
            return Err("the first size must not exceed the second");
        }
        Ok(Self(range))
    }
}

/// The list that `--help` ends with.
fn misbehaviours() -> String {
    let mut text =
        "Misbehaviours (append @1 for the first session only, @2-4 or @3- for some):\n".to_owned();
    for entry in Misbehaviour::CATALOGUE {
        let equals = if entry.argument.is_empty() { "" } else { "=" };
        let (name, argument) = (entry.name, entry.argument);
        // Writing to a String cannot fail.
        write!(
            text,
            "  {name}{equals}{argument}\n      {}\n",
            entry.description()
        )
        .ok();
    }
    text.push_str(
        "\nQ and E with a number are what real servers and disks do, as the project numbers it. \
         TEXT may contain \\r, \\n, \\t, \\0, \\\\ and \\xHH.",
    );
    text
}
