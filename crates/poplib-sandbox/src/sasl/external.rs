//! EXTERNAL (RFC 4422 appendix A): who the client is was settled elsewhere.

use super::{Context, Exchange, Step};

pub(super) struct External;

impl Exchange for External {
    fn step(&mut self, response: Option<&[u8]>, context: &Context<'_>) -> Step {
        let Some(authorization) = response else {
            return Step::Challenge(Vec::new());
        };
        let user = context
            .external
            .filter(|user| authorization.is_empty() || authorization == user.as_bytes());
        Step::Done(user.and_then(|user| context.find(user.as_bytes())))
    }
}
