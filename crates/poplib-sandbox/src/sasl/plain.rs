//! PLAIN (RFC 4616).

use super::{Bindings, Exchange, Step};
use crate::account::Accounts;

pub(crate) struct Plain;

impl Exchange for Plain {
    fn step(
        &mut self,
        response: Option<&[u8]>,
        accounts: &Accounts,
        _bindings: Option<&Bindings>,
    ) -> Step {
        let Some(response) = response else {
            return Step::Challenge(Vec::new());
        };
        let mut parts = response.split(|octet| *octet == 0);
        let (Some(authorization), Some(user), Some(password), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Step::Done(None);
        };
        let own = authorization.is_empty() || authorization == user;
        let account = accounts
            .find(user)
            .filter(|account| own && account.password_is(password));
        Step::Done(account)
    }
}
