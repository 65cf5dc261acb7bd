//! The wire trace: what [`Observer`] sees, as events of `tracing`.
//!
//! Target `poplib::wire`; level debug gives one line for each request, level trace every line
//! both ways, message content included. Secrets are withheld at every level.

use poplib_proto::observe::{Event, Observer, Shown};
use poplib_proto::wire::reply::Printable;
use tracing::{Level, debug, enabled, trace};

pub(crate) struct WireTrace;

impl Observer for WireTrace {
    fn wants_lines(&self) -> bool {
        enabled!(target: "poplib::wire", Level::TRACE)
    }

    fn observe(&self, event: Event<'_>) {
        match event {
            Event::Request(line) => debug!(target: "poplib::wire", "request {}", show(line)),
            Event::Sent(line) => trace!(target: "poplib::wire", "C: {}", show(line)),
            Event::Received(line) => trace!(target: "poplib::wire", "S: {}", Printable(line)),
            Event::Challenge => trace!(target: "poplib::wire", "S: + (challenge withheld)"),
            Event::Content(run) => {
                for line in run.split_inclusive(|&octet| octet == b'\n') {
                    trace!(target: "poplib::wire", "S: {}", Printable(line));
                }
            }
            _ => {}
        }
    }
}

fn show(line: Shown<'_>) -> String {
    let hidden = if line.hidden { "(withheld)" } else { "" };
    format!("{}{hidden}", Printable(line.text))
}
