//! Commands that this crate does not know.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{ANY_STATE, BodyStart};
use crate::connection::{Connection, Shape, State, Subject, Ticket};
use crate::error::Error;
use crate::exchange::{Command, Malformed};
use crate::wire::line::{CommandLine, Verb};
use crate::wire::reply::{Reply, Status};

/// A line of the caller's own that is answered with one line.
#[derive(Clone, Debug)]
pub struct Custom(Box<str>);

/// A line of the caller's own that is answered with lines up to a terminator.
#[derive(Clone, Debug)]
pub struct CustomLines(Box<str>);

/// A line of the caller's own that is answered with a byte-stuffed message.
#[derive(Clone, Debug)]
pub struct CustomBody(Box<str>);

/// The answer to [`CustomLines`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CustomAnswer {
    /// The status line.
    pub reply: Reply,
    /// The lines that followed, without their line ends and unstuffed.
    pub lines: Vec<Box<[u8]>>,
}

macro_rules! custom_command {
    ($name:ident, $shape:expr, $output:ty, $begin:expr $(, $line:item)?) => {
        impl $name {
            /// This line, given without its CRLF. No part of it is treated as secret.
            #[must_use]
            pub fn new(line: &str) -> Self {
                Self(line.into())
            }
        }

        impl Command for $name {
            type Output = $output;
            const SHAPE: Shape = $shape;
            const SUBJECT: Subject = Subject::Anything;
            const STATES: &'static [State] = ANY_STATE;

            fn verb(&self) -> Verb {
                Verb::of_line(&self.0)
            }

            fn encode(&mut self, _connection: &mut Connection) -> Result<CommandLine, Error> {
                Ok(CommandLine::custom(&self.0)?)
            }

            fn begin(
                &mut self,
                status: Status<'_>,
                ticket: Ticket,
            ) -> Result<$output, Malformed> {
                let begin: fn(Reply, Ticket) -> $output = $begin;
                Ok(begin(status.to_reply(), ticket))
            }

            $($line)?
        }
    };
}

custom_command!(Custom, Shape::Line, Reply, |reply, _| reply);
custom_command!(CustomBody, Shape::Body, BodyStart, |reply, ticket| {
    BodyStart { ticket, reply }
});
custom_command!(
    CustomLines,
    Shape::Lines,
    CustomAnswer,
    |reply, _| CustomAnswer {
        reply,
        lines: Vec::new()
    },
    fn line(&mut self, output: &mut CustomAnswer, line: &[u8]) {
        output.lines.push(line.into());
    }
);
