//! The answers' side of a connection: framing, once for every command.

use core::ops::Range;

use super::body::Body;
use super::{Connection, Request, Shape, Ticket};
use crate::error::{Closed, Error, Misbehaviour, Misuse, OtherProtocol, Refused};
use crate::observe::Event;
use crate::wire::buffer::Line;
use crate::wire::line::Verb;
use crate::wire::reply::{Indicator, Status};
use crate::wire::unstuff::LineEnd;

/// Which part comes next of the answer to the oldest request in flight.
#[derive(Debug)]
pub(super) enum Part {
    Status,
    Lines(Tally),
    Body(Body),
    /// TLS has the stream, until [`Connection::protect`] says that it protects it.
    Handshake,
}

/// How much of a multi-line answer has come.
#[derive(Debug)]
pub(super) struct Tally {
    line_end: LineEnd,
    /// Whether the octets before are a line end. A bare LF is none where CR LF is one.
    after_line_end: bool,
    lines: usize,
    octets: usize,
}

/// The next line of a multi-line answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListLine<'a> {
    /// A line, without its line end and unstuffed.
    Line(&'a [u8]),
    /// The terminator came. The answer is complete.
    End,
}

/// What a multi-line answer lists, which decides how long it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The maildrop: a line or so for each message.
    Maildrop,
    /// The server itself: its capabilities, its languages.
    Server,
    /// Nobody here knows: any line may be content. It may be as long as that of a maildrop.
    Anything,
}

impl Connection {
    /// The status line that answers `ticket`, once it has arrived. Answers to earlier requests,
    /// which nobody waits for any more, are skipped.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`], [`Error::Misbehaved`], [`Error::Poisoned`], [`Misuse::AnswerGone`].
    pub fn status(&mut self, ticket: Ticket) -> Result<Option<Status<'_>>, Error> {
        self.check_poison()?;
        match self.next_status(ticket) {
            Ok(Some(range)) => Ok(Status::parse(self.receive.slice(range))),
            Ok(None) => Ok(None),
            Err(error) => Err(self.give_up(error)),
        }
    }

    /// Like [`status`](Self::status), with -ERR for an error.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`], and those of [`status`](Self::status).
    pub fn accepted(&mut self, ticket: Ticket, verb: &Verb) -> Result<Option<Status<'_>>, Error> {
        match self.status(ticket)? {
            Some(status) if status.indicator() == Indicator::Err => Err(Error::Refused(Refused {
                verb: verb.clone(),
                reply: status.to_reply(),
                explanation: None,
            })),
            status => Ok(status),
        }
    }

    /// The next line of the multi-line answer to `ticket`, whose status was +OK.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`], [`Error::Misbehaved`], [`Error::Poisoned`], [`Misuse::AnswerGone`].
    pub fn list_line(
        &mut self,
        ticket: Ticket,
        subject: Subject,
    ) -> Result<Option<ListLine<'_>>, Error> {
        self.check_poison()?;
        if !self.is_at(ticket) || !matches!(self.part, Part::Lines(_)) {
            return Err(Misuse::AnswerGone.into());
        }
        match self.next_list_line(subject) {
            Ok(Some(Some(range))) => Ok(Some(ListLine::Line(self.receive.slice(range)))),
            Ok(Some(None)) => Ok(Some(ListLine::End)),
            Ok(None) => Ok(None),
            Err(error) => Err(self.give_up(error)),
        }
    }

    fn next_status(&mut self, ticket: Ticket) -> Result<Option<Range<usize>>, Error> {
        while self.front().is_some_and(|front| front.ticket < ticket) {
            if !self.skip_front()? {
                return Ok(None);
            }
        }
        if !self.is_at(ticket) || !matches!(self.part, Part::Status) {
            return Err(Misuse::AnswerGone.into());
        }
        self.take_status()
    }

    /// Takes the status line that the oldest request waits for, and decides from it what the
    /// rest of the answer is.
    fn take_status(&mut self) -> Result<Option<Range<usize>>, Error> {
        let Some(request) = self.flight.front() else {
            return Ok(None);
        };
        let (verb, shape, content) = (request.verb.clone(), request.shape, request.content);
        let Some(line) = self.take_line()? else {
            return Ok(None);
        };
        let octets = self.receive.slice(line.range.clone());
        let Some(status) = Status::parse(octets) else {
            return Err(no_status(&verb, octets));
        };
        self.bare_lf |= line.bare_lf;
        match (status.indicator(), shape) {
            (Indicator::Challenge, Shape::Sasl) => self.observe_line(Event::Challenge),
            (Indicator::Challenge, _) => {
                let how = Misbehaviour::UnexpectedChallenge;
                return Err(Error::misbehaved(&verb, how, octets));
            }
            (Indicator::Ok, Shape::Lines) => {
                self.observe_line(Event::Received(octets));
                self.part = Part::Lines(Tally {
                    line_end: line_end(&line),
                    after_line_end: true,
                    lines: 0,
                    octets: 0,
                });
            }
            (Indicator::Ok, Shape::Body) => {
                self.observe_line(Event::Received(octets));
                self.glued.reset();
                self.part = Part::Body(Body::new(line_end(&line), content, &self.limits));
            }
            (Indicator::Ok, Shape::Upgrade) => {
                self.observe_line(Event::Received(octets));
                self.require_silence(&verb)?;
                self.part = Part::Handshake;
            }
            (Indicator::Ok | Indicator::Err, _) => {
                self.observe_line(Event::Received(octets));
                self.finish_front();
            }
        }
        Ok(Some(line.range))
    }

    /// The next line, `Some(None)` for the terminator.
    fn next_list_line(&mut self, subject: Subject) -> Result<Option<Option<Range<usize>>>, Error> {
        let Some(line) = self.take_line()? else {
            return Ok(None);
        };
        let Part::Lines(tally) = &mut self.part else {
            return Ok(Some(None));
        };
        let octets = self.receive.slice(line.range.clone());
        // The rules of `Unstuff`, so that an answer is the same whether it is read or skipped.
        let begins_line = tally.after_line_end;
        tally.after_line_end = !line.bare_lf || tally.line_end == LineEnd::Lf;
        if octets == b"." && begins_line && tally.after_line_end {
            self.finish_front();
            return Ok(Some(None));
        }
        tally.lines += 1;
        tally.octets += line.octets;
        if subject != Subject::Anything && is_status(octets, tally.lines, self.flight.len()) {
            let how = Misbehaviour::StatusWithin;
            return Err(Error::misbehaved(&self.front_verb(), how, octets));
        }
        let most_octets = match subject {
            Subject::Maildrop | Subject::Anything => self.limits.listing_octets,
            Subject::Server => self.limits.capability_octets,
        };
        if tally.lines > self.limits.listing_lines || tally.octets > most_octets {
            let how = Misbehaviour::AnswerTooLong;
            return Err(Error::misbehaved(&self.front_verb(), how, b""));
        }
        let stuffed = begins_line && octets.starts_with(b"..");
        self.observe_line(Event::Received(self.receive.slice(line.range.clone())));
        Ok(Some(Some(
            line.range.start + usize::from(stuffed)..line.range.end,
        )))
    }

    /// Skips what there is of the answer to the oldest request; whether it is complete.
    fn skip_front(&mut self) -> Result<bool, Error> {
        let Some(front) = self.flight.front() else {
            return Ok(true);
        };
        let ticket = front.ticket;
        if front.decisive {
            let verb = front.verb.clone();
            self.poison(Error::Misuse(Misuse::Abandoned { verb }));
            self.check_poison()?;
        }
        loop {
            let progress = match &mut self.part {
                Part::Status => self.take_status()?.is_some(),
                // Whole lines have been taken, so that a body's decoder can go on here.
                Part::Lines(tally) => {
                    let (line_end, after) = (tally.line_end, tally.after_line_end);
                    self.part = Part::Body(Body::skipped(line_end, after));
                    true
                }
                Part::Body(_) => self.next_run()?.is_some(),
                // It is decisive, and was poison above.
                Part::Handshake => false,
            };
            if self.front().is_none_or(|front| front.ticket != ticket) {
                return Ok(true);
            }
            if !progress {
                return Ok(false);
            }
        }
    }

    fn take_line(&mut self) -> Result<Option<Line>, Error> {
        let limit = self.limits.response_line;
        let verb = self.front_verb();
        // However much of it has arrived, the error is the same.
        let too_long = |line: &[u8]| {
            let allowed = &line[..line.len().min(limit.saturating_sub(2))];
            Error::misbehaved(&verb, Misbehaviour::LineTooLong, allowed)
        };
        match self.receive.take_line() {
            Some(line) if line.octets <= limit => Ok(Some(line)),
            Some(line) => Err(too_long(self.receive.slice(line.range))),
            None if self.receive.waiting().len() >= limit || self.receive.is_full() => {
                Err(too_long(self.receive.waiting()))
            }
            None => self.without_a_line(),
        }
    }

    /// No line has arrived whole: whether one still may.
    fn without_a_line(&self) -> Result<Option<Line>, Error> {
        let verb = self.front_verb();
        if verb == Verb::GREETING && is_tls_record(self.receive.waiting()) {
            return Err(no_status(&verb, self.receive.waiting()));
        }
        match self.ended {
            true => Err(self.closed()),
            false => Ok(None),
        }
    }

    /// # Errors
    ///
    /// [`Misbehaviour::InjectedBeforeTls`] where anything at all waits behind the +OK to STLS.
    fn require_silence(&self, verb: &Verb) -> Result<(), Error> {
        if self.receive.is_empty() && self.flight.len() == 1 && self.transmit.is_empty() {
            return Ok(());
        }
        // The octets may be anything an attacker likes: they are not shown.
        Err(Error::misbehaved(
            verb,
            Misbehaviour::InjectedBeforeTls,
            b"",
        ))
    }

    pub(super) fn finish_front(&mut self) {
        self.flight.pop_front();
        self.part = Part::Status;
    }

    fn front(&self) -> Option<&Request> {
        self.flight.front()
    }

    /// Whether the answer to `ticket` is the one at hand.
    pub(super) fn is_at(&self, ticket: Ticket) -> bool {
        self.front().is_some_and(|front| front.ticket == ticket)
    }

    /// What the server is answering. Nothing is taken from the stream without a request.
    pub(super) fn front_verb(&self) -> Verb {
        self.front()
            .map_or(Verb::GREETING, |front| front.verb.clone())
    }

    pub(super) fn closed(&self) -> Error {
        const SHOWN: usize = 512;
        let partial = match self.part {
            // A piece of somebody's mail does not belong into an error.
            Part::Body(_) => &[],
            Part::Status | Part::Lines(_) | Part::Handshake => self.receive.waiting(),
        };
        Error::Closed(Closed {
            verb: self.front_verb(),
            partial: partial[..partial.len().min(SHOWN)].into(),
        })
    }
}

/// Whether a line of a listing is none, but a status line: the server broke the listing off (Q39).
/// Some repeat +OK in front of a listing, and where no other answer is awaited it is none.
#[inline]
fn is_status(line: &[u8], line_number: usize, in_flight: usize) -> bool {
    line.starts_with(b"-ERR") || line.starts_with(b"+OK") && line_number > 1 && in_flight > 1
}

fn line_end(line: &Line) -> LineEnd {
    if line.bare_lf {
        LineEnd::Lf
    } else {
        LineEnd::Crlf
    }
}

fn no_status(verb: &Verb, line: &[u8]) -> Error {
    if *verb != Verb::GREETING {
        return Error::misbehaved(verb, Misbehaviour::NoStatus, line);
    }
    let other = if line.starts_with(b"* ") {
        OtherProtocol::Imap
    } else if line.starts_with(b"220") || line.starts_with(b"421") || line.starts_with(b"554") {
        OtherProtocol::Smtp
    } else if line.starts_with(b"HTTP/") {
        OtherProtocol::Http
    } else if line.starts_with(b"SSH-") {
        OtherProtocol::Ssh
    } else if is_tls_record(line) {
        // How much of it stands before the next LF is chance.
        let how = Misbehaviour::OtherProtocol(OtherProtocol::Tls);
        return Error::misbehaved(verb, how, b"");
    } else {
        return Error::misbehaved(verb, Misbehaviour::NoStatus, line);
    };
    Error::misbehaved(verb, Misbehaviour::OtherProtocol(other), line)
}

/// An alert or a handshake message of any version of TLS.
fn is_tls_record(octets: &[u8]) -> bool {
    matches!(octets, [0x15 | 0x16, 0x03, ..])
}
