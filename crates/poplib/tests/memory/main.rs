//! A7: memory is bounded, whatever a server sends.
//!
//! What is measured is this process, the server in it included, so that the tests of this
//! program run one at a time. As in `faces`, `bounds.rs` is compiled once for each face.
#![allow(
    clippy::duplicate_mod,
    clippy::unwrap_used,
    reason = "one file for both faces; a test may panic"
)]
#![cfg(target_os = "linux")]

mod blocking;
#[cfg(feature = "tokio")]
mod tokio;

use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};

const MIB: u64 = 1024 * 1024;

/// How much more memory this process takes than it did, at the peak.
struct Peak {
    before: u64,
    _alone: MutexGuard<'static, ()>,
}

impl Peak {
    fn measure() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        // Sets the peak to what is taken now (proc(5)).
        fs::write("/proc/self/clear_refs", "5").unwrap();
        Self {
            before: resident_peak(),
            _alone: alone,
        }
    }

    #[track_caller]
    fn assert_below(&self, octets: u64) {
        let taken = resident_peak() - self.before;
        assert!(taken < octets, "{taken} octets were taken");
    }
}

fn resident_peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.unwrap().trim().trim_end_matches(" kB");
    1024 * kibibytes.parse::<u64>().unwrap()
}

#[test]
fn the_measure_measures() {
    let peak = Peak::measure();
    drop(std::hint::black_box(vec![1_u8; 64 << 20]));
    let outcome = std::panic::catch_unwind(|| peak.assert_below(32 * MIB));
    assert!(outcome.is_err());
}
