//! A mechanism that is offered although it cannot succeed (Q19).

use super::{Context, Exchange, Step};

pub(super) struct Unusable;

impl Exchange for Unusable {
    fn step(&mut self, response: Option<&[u8]>, _context: &Context<'_>) -> Step {
        match response {
            None => Step::Challenge(Vec::new()),
            Some(_) => Step::Failed("no credentials cache"),
        }
    }
}
