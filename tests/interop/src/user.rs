use crate::Mailbox;

/// A user of a server and what lies in the user's maildrop.
#[derive(Clone, Debug)]
pub struct User {
    pub(crate) name: String,
    pub(crate) password: String,
    pub(crate) mailbox: Mailbox,
}

impl User {
    /// A user without mail.
    #[must_use]
    pub fn new(name: &str, password: &str) -> Self {
        Self {
            name: name.to_owned(),
            password: password.to_owned(),
            mailbox: Mailbox::of(Vec::new()),
        }
    }

    /// The same user with this mail, in this order.
    #[must_use]
    pub fn with(mut self, mailbox: &Mailbox) -> Self {
        self.mailbox = mailbox.clone();
        self
    }
}
