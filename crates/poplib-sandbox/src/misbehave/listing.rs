//! STAT, LIST and UIDL.

use std::io::Write;

use super::Misbehaviours;

impl Misbehaviours {
    /// What follows the +OK of STAT.
    pub(crate) fn stat(&self, messages: u64, octets: u64) -> String {
        format!("{messages} {octets}")
    }

    /// The octets that the +OK of RETR mentions.
    pub(crate) fn octets(&self, _number: u64, octets: u64) -> String {
        octets.to_string()
    }

    /// Appends the line of LIST for a message.
    pub(crate) fn scan_line(&self, number: u64, octets: u64, line: &mut Vec<u8>) {
        write!(line, "{number} {octets}\r\n").ok();
    }

    /// Appends the line of UIDL for a message.
    pub(crate) fn unique_id_line(&self, number: u64, unique_id: &[u8], line: &mut Vec<u8>) {
        write!(line, "{number} ").ok();
        line.extend_from_slice(unique_id);
        line.extend_from_slice(b"\r\n");
    }
}
