//! STLS (RFC 2595 §4).

use super::AUTHORIZATION;
use crate::connection::{Connection, Shape, Ticket};
use crate::error::{Error, Misuse};
use crate::exchange::{Exchange, Step};
use crate::wire::line::{CommandLine, Verb};

/// Upgrades the connection to TLS.
///
/// Between the +OK and the handshake the stream belongs to TLS alone: whatever else has arrived
/// by then is an error that poisons the connection (CVE-2021-22947), and what was known of the
/// server's capabilities is forgotten.
#[derive(Clone, Debug, Default)]
pub struct Stls(Stage);

#[derive(Clone, Copy, Debug, Default)]
enum Stage {
    #[default]
    Unsent,
    Sent(Ticket),
    Handshake,
}

impl Stls {
    /// The keyword.
    pub const VERB: Verb = Verb::new("STLS");

    /// Not yet sent.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn submit(connection: &mut Connection) -> Result<Ticket, Error> {
        connection.require(&Self::VERB, AUTHORIZATION)?;
        if connection.is_protected() {
            let why = "TLS protects the connection already";
            return Err(Misuse::StlsNotPossible(why).into());
        }
        if connection.is_utf8() {
            let why = "it is not possible after UTF8 (RFC 6856 §2.1)";
            return Err(Misuse::StlsNotPossible(why).into());
        }
        connection.submit(&CommandLine::new(Self::VERB), Shape::Upgrade, true)
    }
}

impl Exchange for Stls {
    type Output = ();

    fn resume(&mut self, connection: &mut Connection) -> Result<Step<()>, Error> {
        if let Stage::Unsent = self.0 {
            self.0 = Stage::Sent(Self::submit(connection)?);
        }
        if let Stage::Sent(ticket) = self.0 {
            if connection.accepted(ticket, &Self::VERB)?.is_none() {
                return Ok(connection.wait());
            }
            self.0 = Stage::Handshake;
            return Ok(Step::StartTls);
        }
        connection.require_protection(&Self::VERB)?;
        Ok(Step::Done(()))
    }
}
