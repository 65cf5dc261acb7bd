//! An account that hardly moves, while others wait for their turn, gives its own away (E19).

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

use super::Fetcher;
use crate::jobs::Turn;

/// Whoever moves fewer octets in a second,
const LEAST: u64 = 4 * 1024;
/// over so long, drips. A large message on a good line moves far more, and is never cut: the turn
/// ends between two messages.
const PATIENCE: Duration = Duration::from_secs(60);

/// What has moved of late.
pub(super) struct Movement {
    since: Cell<Instant>,
    octets: Cell<u64>,
    pub(super) patience: Duration,
    pub(super) least: u64,
}

impl Movement {
    pub(super) fn new() -> Self {
        Self {
            since: Cell::new(Instant::now()),
            octets: Cell::new(0),
            patience: PATIENCE,
            least: LEAST,
        }
    }

    pub(super) fn restart(&self) {
        self.since.set(Instant::now());
        self.octets.set(0);
    }

    pub(super) fn add(&self, octets: usize) {
        self.octets.set(self.octets.get() + octets as u64);
    }

    /// Whether too little has moved since it was last found to be enough.
    fn is_drip(&self) -> bool {
        let time = self.since.get().elapsed();
        if time < self.patience {
            return false;
        }
        let least = self.least as f64 * time.as_secs_f64();
        let is_drip = (self.octets.get() as f64) < least;
        if !is_drip {
            self.restart();
        }
        is_drip
    }
}

impl<'a> Fetcher<'a> {
    /// The same, in a turn that others may wait for.
    pub(crate) fn in_turn(mut self, turn: &'a Turn) -> Self {
        self.turn = Some(turn);
        self
    }

    /// Whether it is somebody else's turn now. A server that lets nobody in again for a while is
    /// not left for that.
    pub(super) fn gives_way(&self) -> bool {
        self.login_delay.is_none()
            && self.movement.is_drip()
            && self.turn.is_some_and(Turn::is_wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = PATIENCE;

    #[tokio::test(start_paused = true)]
    async fn e19_less_than_4_kib_a_second_is_a_drip() {
        let movement = Movement::new();
        // The timer counts in milliseconds.
        let enough = (LEAST * 60 + LEAST) as usize;
        for (octets, time, is_drip) in [
            (0, MINUTE - Duration::from_millis(2), false),
            (enough, MINUTE, false),
            (enough / 2, MINUTE, true),
            // However long a message takes, what counts is what has moved.
            (100 * enough, 100 * MINUTE, false),
            (0, MINUTE, true),
        ] {
            movement.restart();
            movement.add(octets);
            tokio::time::advance(time).await;
            assert_eq!(movement.is_drip(), is_drip, "{octets} in {time:?}");
        }
        // What moved long ago does not make up for what does not now.
        movement.restart();
        movement.add(1000 * enough);
        tokio::time::advance(MINUTE).await;
        assert!(!movement.is_drip());
        tokio::time::advance(MINUTE).await;
        assert!(movement.is_drip());
    }
}
