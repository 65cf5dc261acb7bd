//! Many messages, pipelined.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use poplib_proto::command::Retr;
use poplib_proto::{Connection, Error, Exchange, Pipeline, Planned, Step, Want, Window};

use crate::operation::{Body, Operation};
use crate::output::Output;

/// A message's number, and its octets as LIST tells them.
pub(crate) type Wanted = (u32, Option<u64>);

/// What is expected of a message whose octets are not known.
const UNKNOWN: u64 = 64 * 1024;

/// A batch of RETR that can be stopped, so that another command may have the connection.
pub(crate) struct Batch {
    plan: Plan,
    pipeline: Pipeline<Plan, Retr>,
    /// The message at hand.
    current: Option<(u32, Body)>,
}

/// What is still to be asked for, shared between the batch and its pipeline.
#[derive(Clone)]
struct Plan(Arc<Mutex<VecDeque<Planned<Retr>>>>);

impl Batch {
    /// Messages, and the octets that LIST tells of them, if it does.
    pub(crate) fn new(messages: Vec<Wanted>, window: Window) -> Self {
        let planned = messages.into_iter().map(|(number, octets)| Planned {
            number,
            command: Retr::new(number).listed(octets),
            octets: octets.filter(|octets| *octets > 0).unwrap_or(UNKNOWN),
        });
        let plan = Plan(Arc::new(Mutex::new(planned.collect())));
        Self {
            pipeline: Pipeline::new(plan.clone(), window),
            plan,
            current: None,
        }
    }

    /// Asks for no more. The outcomes of what was asked for come, and then the end. What was not
    /// is given back.
    pub(crate) fn stop(&self) -> Vec<Wanted> {
        let planned = std::mem::take(&mut *self.plan.lock());
        planned
            .into_iter()
            .map(|planned| (planned.number, planned.command.octets_listed()))
            .collect()
    }
}

impl Operation for Batch {
    fn resume(&mut self, connection: &mut Connection) -> Result<Step<Output>, Error> {
        if self.current.is_none() {
            match self.pipeline.resume(connection)?.into_done() {
                Ok(Some((number, Ok(start)))) => {
                    self.current = Some((number, Body::new(start.ticket)));
                }
                Ok(Some((number, Err(error)))) => {
                    return Ok(Step::Done(Output::Outcome(number, Err(error))));
                }
                Ok(None) => return Ok(Step::Done(Output::Nothing)),
                Err(waiting) => return Ok(waiting),
            }
        }
        let Some((number, body)) = &mut self.current else {
            return Ok(Step::Want(Want::Read));
        };
        let Some(content) = body.collect(connection)? else {
            return Ok(Step::Want(Want::Read));
        };
        let number = *number;
        self.current = None;
        Ok(Step::Done(Output::Outcome(number, Ok(content))))
    }
}

impl Plan {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Planned<Retr>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Iterator for Plan {
    type Item = Planned<Retr>;

    fn next(&mut self) -> Option<Planned<Retr>> {
        self.lock().pop_front()
    }
}
