//! The bounds that keep memory finite whatever a server sends.

use crate::error::Misuse;

/// Every bound of a connection, by name. `Limits::default()` suits real servers; each field may
/// be changed before the connection is made.
///
/// Message bodies stream through [`buffer`](Limits::buffer) and take no more memory than that. Their
/// own limits keep a server from sending without end: what is over one ends the connection, and
/// nothing of that message counts. The defaults are meant to hurt no honest server, whatever its LIST
/// counts ([Q13]): octets after compression, line ends as one octet, kibibytes, always nothing.
///
/// [Q13]: crate::rows#q13
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Octets of a command line with its CRLF. RFC 2449 §4 allows 255; a longer command is
    /// refused before it is sent.
    pub command_line: usize,
    /// Octets of one response line with its line end, bodies excepted. RFC 2449 §4 allows
    /// servers 512; more is tolerated up to this bound, which also holds SASL challenges
    /// (RFC 5034 §4: 12,288 octets).
    pub response_line: usize,
    /// Octets on the wire of one LIST or UIDL answer.
    pub listing_octets: usize,
    /// Lines of one LIST or UIDL answer.
    pub listing_lines: usize,
    /// Octets on the wire of one CAPA or LANG answer.
    pub capability_octets: usize,
    /// Octets of the receive buffer: the most that one read takes, and the longest run of a
    /// body handed out at once. At least as large as `response_line`.
    pub buffer: usize,
    /// Octets of the largest message.
    pub message_octets: u64,
    /// How many times as long as listed a message may be, where LIST's octets are known, with
    /// [`surplus_octets`](Self::surplus_octets) on top.
    pub listed_factor: u64,
    /// Octets of a message beyond [`listed_factor`](Self::listed_factor) times what LIST told.
    pub surplus_octets: u64,
    /// Octets of a message's header with the empty line behind it, and of the whole answer to a
    /// TOP that asks for no line of the body.
    pub header_octets: u64,
}

impl Limits {
    /// Whether a server can keep to them. A limit that is too small for any answer makes every server
    /// look wrong.
    ///
    /// # Errors
    ///
    /// [`Misuse::LimitTooSmall`] names the first that is.
    pub fn check(&self) -> Result<(), Misuse> {
        let octets = |limit: usize| u64::try_from(limit).unwrap_or(u64::MAX);
        // `QUIT` and `-ERR` with their line ends; the terminator of a listing.
        for (name, limit, least) in [
            ("command_line", octets(self.command_line), 6),
            ("response_line", octets(self.response_line), 6),
            ("listing_octets", octets(self.listing_octets), 3),
            ("listing_lines", octets(self.listing_lines), 1),
            ("capability_octets", octets(self.capability_octets), 3),
            ("buffer", octets(self.buffer), 1),
            ("message_octets", self.message_octets, 1),
            ("listed_factor", self.listed_factor, 1),
            ("header_octets", self.header_octets, 2),
        ] {
            if limit < least {
                return Err(Misuse::LimitTooSmall { name, least });
            }
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            command_line: 255,
            response_line: 16 * 1024,
            listing_octets: 128 * 1024 * 1024,
            listing_lines: 2_000_000,
            capability_octets: 64 * 1024,
            buffer: 64 * 1024,
            message_octets: 16 * 1024 * 1024 * 1024,
            listed_factor: 16,
            surplus_octets: 1024 * 1024 * 1024,
            header_octets: 64 * 1024 * 1024,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_no_server_can_keep_to_is_refused() {
        assert_eq!(Limits::default().check(), Ok(()));
        let no_surplus = Limits {
            surplus_octets: 0,
            ..Limits::default()
        };
        assert_eq!(no_surplus.check(), Ok(()));
        let mut names = alloc::vec::Vec::new();
        let mut limits = Limits {
            command_line: 0,
            response_line: 5,
            listing_octets: 2,
            listing_lines: 0,
            capability_octets: 0,
            buffer: 0,
            message_octets: 0,
            listed_factor: 0,
            surplus_octets: 0,
            header_octets: 1,
        };
        while let Err(Misuse::LimitTooSmall { name, least }) = limits.check() {
            names.push(name);
            let enough = usize::try_from(least).unwrap();
            match name {
                "command_line" => limits.command_line = enough,
                "response_line" => limits.response_line = enough,
                "listing_octets" => limits.listing_octets = enough,
                "listing_lines" => limits.listing_lines = enough,
                "capability_octets" => limits.capability_octets = enough,
                "buffer" => limits.buffer = enough,
                "message_octets" => limits.message_octets = least,
                "listed_factor" => limits.listed_factor = least,
                "header_octets" => limits.header_octets = least,
                other => panic!("{other}"),
            }
        }
        assert_eq!(names.len(), 9, "{names:?}");
        assert_eq!(limits.check(), Ok(()));
    }
}
