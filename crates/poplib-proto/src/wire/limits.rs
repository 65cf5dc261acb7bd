//! The bounds that keep memory finite whatever a server sends.

/// Every bound of a connection, by name. `Limits::default()` suits real servers; each field may
/// be changed before the connection is made.
///
/// Message bodies stream through [`buffer`](Limits::buffer) and take no more memory than that. Their
/// own limits keep a server from sending without end: what is over one ends the connection, and
/// nothing of that message counts. The defaults are meant to hurt no honest server, whatever its LIST
/// counts (Q13): octets after compression, line ends as one octet, kibibytes, always nothing.
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
