//! ANONYMOUS (RFC 4505): anybody, with a trace that is not checked.

use super::{Context, Exchange, Step};

pub(super) struct Anonymous;

impl Exchange for Anonymous {
    fn step(&mut self, response: Option<&[u8]>, context: &Context<'_>) -> Step {
        match response {
            None => Step::Challenge(Vec::new()),
            Some(_trace) => {
                let user = context.settings.anonymous.as_deref();
                Step::Done(user.and_then(|user| context.find(user.as_bytes())))
            }
        }
    }
}
