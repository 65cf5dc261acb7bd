//! STAT, LIST and UIDL.

use std::io::Write;
use std::sync::atomic::Ordering;

use super::{Misbehaviour, Misbehaviours};

impl Misbehaviours {
    /// What follows the +OK of STAT.
    pub(crate) fn stat(&self, messages: u64, octets: u64) -> String {
        let more = self.find(|misbehaviour| match misbehaviour {
            Misbehaviour::StatCountsMore(more) => Some(*more),
            _ => None,
        });
        format!("{} {}", messages + more.unwrap_or(0), self.octets(octets))
    }

    /// Octets as STAT, LIST and RETR mention them.
    pub(crate) fn octets(&self, octets: u64) -> String {
        let wrong = self.find(|misbehaviour| match misbehaviour {
            Misbehaviour::RoundedOctets => Some(octets.next_multiple_of(1024).to_string()),
            Misbehaviour::HalvedOctets => Some((octets / 2).to_string()),
            Misbehaviour::NegativeOctets => Some(format!("-{octets}")),
            Misbehaviour::GrowingOctets => {
                let more = self.course.counts.fetch_add(1, Ordering::Relaxed);
                Some((octets + more).to_string())
            }
            _ => None,
        });
        wrong.unwrap_or_else(|| octets.to_string())
    }

    /// Appends what comes before the lines of LIST and UIDL without an argument.
    pub(crate) fn begin_listing(&self, output: &mut Vec<u8>) {
        if self.has(&Misbehaviour::NumberZero) {
            output.extend_from_slice(b"0 0\r\n");
        }
    }

    /// Appends the line of LIST for a message.
    pub(crate) fn scan_line(&self, number: u64, octets: u64, output: &mut Vec<u8>) {
        if self.active.is_empty() {
            // Writing to a Vec cannot fail.
            write!(output, "{number} {octets}\r\n").ok();
            return;
        }
        for misbehaviour in &self.active {
            match misbehaviour {
                Misbehaviour::ListGap(missing) if *missing == number => return,
                Misbehaviour::ShortList(most) if number > *most => return,
                Misbehaviour::NonsenseList(first) if number >= *first => {
                    output.extend_from_slice(b"no such thing\r\n");
                    return;
                }
                _ => {}
            }
        }
        self.odd_line(number, self.octets(octets).as_bytes(), output);
    }

    /// Appends the line of UIDL for a message.
    pub(crate) fn unique_id_line(&self, number: u64, unique_id: &[u8], output: &mut Vec<u8>) {
        let is_left_out = |misbehaviour: &Misbehaviour| match misbehaviour {
            Misbehaviour::UidlGap(missing) => *missing == number,
            Misbehaviour::ShortUidl(most) => number > *most,
            _ => false,
        };
        if !self.active.iter().any(is_left_out) {
            self.odd_line(number, &self.unique_id(number, unique_id), output);
        }
    }

    fn odd_line(&self, number: u64, data: &[u8], output: &mut Vec<u8>) {
        let (mut indent, mut gap, mut end) = ("", " ", "\r\n");
        for misbehaviour in &self.active {
            match misbehaviour {
                Misbehaviour::ListingGap(missing) if *missing == number => return,
                Misbehaviour::ExtraSpaces => (indent, gap, end) = (" ", "   ", "  \r\n"),
                _ => {}
            }
        }
        write!(output, "{indent}{number}{gap}").ok();
        output.extend_from_slice(data);
        output.extend_from_slice(end.as_bytes());
    }

    fn unique_id(&self, number: u64, unique_id: &[u8]) -> Vec<u8> {
        let shown = self.course.unique_ids.get();
        let shown = shown.and_then(|shown| shown.get(unique_id));
        let mut unique_id = shown.map_or(unique_id, |shown| shown).to_vec();
        for misbehaviour in &self.active {
            match misbehaviour {
                Misbehaviour::UidlWithoutId(without) if *without == number => unique_id.clear(),
                Misbehaviour::NumericUidl => unique_id = number.to_string().into_bytes(),
                Misbehaviour::DuplicateUidl if number <= 2 => unique_id = b"the-same".to_vec(),
                Misbehaviour::NonAsciiUidl => {
                    unique_id.splice(..0, *b"\xe4\xff\xc3\xa9").for_each(drop);
                }
                Misbehaviour::LongUidl => unique_id.resize(200, b'x'),
                Misbehaviour::PathUidl => unique_id.splice(..0, *b"../../").for_each(drop),
                Misbehaviour::RegeneratedUidl => unique_id.splice(..0, *b"new-").for_each(drop),
                _ => {}
            }
        }
        unique_id
    }
}
