//! The bounds that keep memory finite whatever a server sends.

/// Every bound of a connection, by name. `Limits::default()` suits real servers; each field may
/// be changed before the connection is made.
///
/// A message body has no limit of its own: it streams through [`buffer`](Limits::buffer).
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
        }
    }
}
