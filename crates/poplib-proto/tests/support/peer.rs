//! A server in memory that follows a script, and cuts its stream as it is told to.

use std::collections::VecDeque;

use crate::support::text::escape;

/// What happens next in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The client sends these octets.
    Client(Vec<u8>),
    /// The server sends these octets.
    Server(Vec<u8>),
    /// Both go over to TLS.
    Handshake,
    /// The server closes the connection.
    Close,
}

/// How the server's octets come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// In one read, as far as the server speaks without being asked.
    Whole,
    /// With a cut before this octet of all that the server sends.
    Split(usize),
    /// So many octets at most in each read and in each write.
    Pieces(usize),
    /// In one read, but the connection ends before this octet of all that the server sends.
    Cut(usize),
}

/// The server.
#[derive(Debug)]
pub(crate) struct Peer {
    turns: VecDeque<Turn>,
    pace: Pace,
    /// A server whose script ran out closes, and takes whatever it is sent.
    lenient: bool,
    /// Octets that have been read of the first turn, and of all turns.
    read: usize,
    served: usize,
    steps: usize,
    most_steps: usize,
    ended: bool,
}

impl Peer {
    /// A server that insists on its script.
    pub(crate) fn new(turns: impl IntoIterator<Item = Turn>, pace: Pace) -> Self {
        let turns: VecDeque<Turn> = turns.into_iter().collect();
        let octets: usize = turns.iter().map(Turn::octets).sum();
        Self {
            // One for each octet that passes, and a few for each of a few hundred calls.
            most_steps: octets + 1000,
            turns,
            pace,
            lenient: false,
            read: 0,
            served: 0,
            steps: 0,
            ended: false,
        }
    }

    /// A server that sends `octets` and closes, whatever it is sent.
    pub(crate) fn lenient(octets: &[u8], pace: Pace) -> Self {
        Self {
            lenient: true,
            ..Self::new([Turn::Server(octets.to_vec())], pace)
        }
    }

    /// Counts a resumption of the client, of which there can be only so many.
    pub(crate) fn step(&mut self) {
        self.steps += 1;
        assert!(
            self.steps <= self.most_steps,
            "the client goes round in circles"
        );
    }

    /// Takes what the client sends; how many octets of it.
    pub(crate) fn write(&mut self, octets: &[u8]) -> usize {
        assert!(!octets.is_empty(), "the client wants to write nothing");
        if self.lenient {
            return octets.len();
        }
        let speaks = |turn: &&mut Turn| !matches!(turn, Turn::Server(_));
        let sent = &octets[..self.portion(octets.len())];
        match self.turns.iter_mut().find(speaks) {
            Some(Turn::Client(expected)) if expected.starts_with(sent) => {
                expected.drain(..sent.len());
            }
            turn => panic!("the client sends \"{}\", not {turn:?}", escape(octets)),
        }
        self.turns
            .retain(|turn| turn.octets() > 0 || !turn.is_speech());
        sent.len()
    }

    /// Puts what the server sends into `space`; how many octets. Zero is the end.
    pub(crate) fn read(&mut self, space: &mut [u8]) -> usize {
        assert!(!self.ended, "the client reads behind the end");
        assert!(!space.is_empty(), "the client has no room to read into");
        let Some(Turn::Server(octets)) = self.turns.front() else {
            match self.turns.front() {
                None | Some(Turn::Close) => {}
                turn => panic!("the client waits for an answer, but it is the turn of {turn:?}"),
            }
            self.ended = true;
            return 0;
        };
        let until = match self.pace {
            Pace::Split(at) if self.served < at => at - self.served,
            Pace::Cut(at) => at.saturating_sub(self.served),
            Pace::Pieces(most) => most,
            Pace::Whole | Pace::Split(_) => usize::MAX,
        };
        let left = &octets[self.read..];
        let count = left.len().min(space.len()).min(until);
        space[..count].copy_from_slice(&left[..count]);
        self.read += count;
        self.served += count;
        self.ended = count == 0;
        if self.read == octets.len() {
            self.turns.pop_front();
            self.read = 0;
        }
        count
    }

    /// Whether both sides go over to TLS now.
    pub(crate) fn handshake(&mut self) -> bool {
        if self.lenient {
            return !self.ended;
        }
        self.ended |= self.is_cut();
        let agreed = self.turns.front() == Some(&Turn::Handshake) && !self.ended;
        if agreed {
            self.turns.pop_front();
        }
        agreed
    }

    /// Says that the conversation is over; one that was given up may have been longer.
    pub(crate) fn assert_done(&self, poisoned: bool) {
        let open = self.turns.iter().find(|turn| match turn {
            Turn::Client(_) | Turn::Server(_) | Turn::Handshake => !poisoned,
            Turn::Close => false,
        });
        assert_eq!(open, None, "the conversation ends early");
    }

    /// Whether the end has been read.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    fn is_cut(&self) -> bool {
        matches!(self.pace, Pace::Cut(at) if self.served >= at)
    }

    fn portion(&self, octets: usize) -> usize {
        match self.pace {
            Pace::Pieces(most) => octets.min(most),
            _ => octets,
        }
    }
}

impl Turn {
    /// The octets that pass in it.
    pub(crate) fn octets(&self) -> usize {
        match self {
            Self::Client(octets) | Self::Server(octets) => octets.len(),
            Self::Handshake | Self::Close => 0,
        }
    }

    fn is_speech(&self) -> bool {
        matches!(self, Self::Client(_) | Self::Server(_))
    }
}
