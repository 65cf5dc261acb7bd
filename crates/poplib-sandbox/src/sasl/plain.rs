//! PLAIN (RFC 4616).

use super::{Context, Exchange, Step};

pub(super) struct Plain;

impl Exchange for Plain {
    fn step(&mut self, response: Option<&[u8]>, context: &Context<'_>) -> Step {
        let Some(response) = response else {
            return Step::Challenge(Vec::new());
        };
        let mut parts = response.split(|octet| *octet == 0);
        let (Some(authorization), Some(user), Some(password), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Step::Failed("PLAIN has three parts");
        };
        let own = authorization.is_empty() || authorization == user;
        let account = context.find(user);
        Step::Done(account.filter(|account| own && account.password_is(password)))
    }
}
