//! LOGIN, as everybody does it (draft-murchison-sasl-login).

use super::{Context, Exchange, Step};

#[derive(Default)]
pub(super) struct Login {
    user: Option<Vec<u8>>,
}

impl Exchange for Login {
    fn step(&mut self, response: Option<&[u8]>, context: &Context<'_>) -> Step {
        match (response, self.user.take()) {
            (None, _) => Step::Challenge(b"Username:".to_vec()),
            (Some(user), None) => {
                self.user = Some(user.to_vec());
                Step::Challenge(b"Password:".to_vec())
            }
            (Some(password), Some(user)) => {
                let account = context.find(&user);
                Step::Done(account.filter(|account| account.password_is(password)))
            }
        }
    }
}
