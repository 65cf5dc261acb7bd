//! One client's session: lines in, answers out, no I/O.

use std::io;
use std::sync::Arc;

use crate::account::{Account, Accounts, Lock, Peer};
use crate::base64;
use crate::command::{self, Keyword};
use crate::misbehave::Misbehaviours;
use crate::response::Response;
use crate::sasl::{Bindings, Context, Exchange, Step};
use crate::settings::{Settings, Stage};
use crate::transaction::Transaction;

/// RFC 2449 §4: a command line, its CRLF included.
pub(crate) const COMMAND_OCTETS: usize = 255;
/// RFC 5034 §4 lets the lines of an exchange be longer; here is where it ends.
pub(crate) const EXCHANGE_OCTETS: usize = 65_536;

pub(crate) struct Session {
    settings: Arc<Settings>,
    misbehaviours: Arc<Misbehaviours>,
    peer: Arc<dyn Peer>,
    stamp: String,
    /// Present under TLS.
    bindings: Option<Bindings>,
    /// Whom the client's certificate is for.
    client: Option<String>,
    utf8: bool,
    state: State,
}

enum State {
    Authorization {
        /// What USER named, until PASS.
        user: Option<Vec<u8>>,
    },
    /// Within AUTH: the next line is not a command.
    Exchange(Box<dyn Exchange>),
    Transaction(Box<Transaction>),
    Over,
}

impl Session {
    /// `number` makes the APOP timestamp unique within the process.
    pub(crate) fn new(
        settings: Arc<Settings>,
        misbehaviours: Arc<Misbehaviours>,
        peer: Arc<dyn Peer>,
        number: u64,
    ) -> Self {
        Self {
            settings,
            stamp: misbehaviours
                .stamp()
                .unwrap_or_else(|| format!("<{}.{number}@localhost>", std::process::id())),
            misbehaviours,
            peer,
            bindings: None,
            client: None,
            utf8: false,
            state: State::Authorization { user: None },
        }
    }

    pub(crate) fn greeting(&self) -> Response {
        let greeting = match self.stamp() {
            Some(stamp) => Response::ok(format!("poplib-sandbox ready {stamp}")),
            None => Response::ok("poplib-sandbox ready"),
        };
        self.misbehaviours.greeting(greeting)
    }

    /// Everything learned before is forgotten, as RFC 2595 §4 has it.
    pub(crate) fn tls_established(&mut self, bindings: Bindings, client: Option<String>) {
        self.bindings = Some(bindings);
        self.client = client;
        self.state = State::Authorization { user: None };
    }

    /// The most octets that the next line may have, its CRLF included.
    pub(crate) fn line_limit(&self) -> usize {
        match self.state {
            State::Exchange(_) => EXCHANGE_OCTETS,
            _ => COMMAND_OCTETS,
        }
    }

    /// Answers a line, which comes without its CRLF.
    pub(crate) fn line(&mut self, line: &[u8]) -> Response {
        if let State::Exchange(_) = self.state {
            let response = self.exchange_line(line);
            return self.misbehaviours.amend(Keyword::Auth, b"", response);
        }
        let (name, argument) = command::split(line);
        let Some(keyword) = Keyword::find(name) else {
            return Response::err("unknown command");
        };
        if let Some(response) = self.misbehaviours.instead(
            keyword,
            argument,
            matches!(self.state, State::Transaction(_)),
        ) {
            return response;
        }
        let response = keyword.run(self, argument);
        self.misbehaviours.amend(keyword, argument, response)
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn accounts(&self) -> &Accounts {
        &self.settings.accounts
    }

    pub(crate) fn transaction(&mut self) -> Option<&mut Transaction> {
        match &mut self.state {
            State::Transaction(transaction) => Some(transaction),
            _ => None,
        }
    }

    /// Who logged in, before QUIT.
    pub(crate) fn user(&self) -> Option<&str> {
        match &self.state {
            State::Transaction(transaction) => Some(transaction.user()),
            _ => None,
        }
    }

    /// The APOP timestamp, where the greeting has one.
    pub(crate) fn stamp(&self) -> Option<&str> {
        self.settings.apop.then_some(&*self.stamp)
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.bindings.is_some()
    }

    pub(crate) fn is_utf8(&self) -> bool {
        self.utf8
    }

    pub(crate) fn enter_utf8(&mut self) {
        self.utf8 = true;
    }

    fn stage(&self) -> Stage {
        match (&self.state, &self.bindings) {
            (State::Transaction(_), _) => Stage::AfterLogin,
            (_, Some(_)) => Stage::UnderTls,
            (_, None) => Stage::BeforeTls,
        }
    }

    pub(crate) fn capabilities(&self) -> Vec<String> {
        let stage = self.stage();
        let capabilities = self.settings.capabilities(stage, &self.mechanisms());
        self.misbehaviours.capabilities(stage, capabilities)
    }

    pub(crate) fn mechanisms(&self) -> Vec<String> {
        let is_known = self.external().is_some();
        let own = self.settings.mechanisms(self.stage(), is_known);
        self.misbehaviours.mechanisms(own)
    }

    /// Who the client is, as another layer has found out.
    fn external(&self) -> Option<&str> {
        self.client.as_deref().or(self.settings.external.as_deref())
    }

    pub(crate) fn name_user(&mut self, user: &[u8]) {
        self.state = State::Authorization {
            user: Some(user.to_vec()),
        };
    }

    pub(crate) fn take_named_user(&mut self) -> Option<Vec<u8>> {
        match &mut self.state {
            State::Authorization { user } => user.take(),
            _ => None,
        }
    }

    /// The answer to credentials in the clear where TLS is required.
    pub(crate) fn refuses_clear_credentials(&self) -> Option<Response> {
        let refuses = self.settings.require_tls && !self.is_encrypted();
        refuses.then(|| Response::err("[SYS/PERM] log in under TLS only"))
    }

    /// Ends every way of logging in; `None` means that the credentials were wrong.
    pub(crate) fn log_in(&mut self, account: Option<Arc<Account>>) -> Response {
        self.state = State::Authorization { user: None };
        if let Some(refusal) = self.refuses_clear_credentials() {
            return refusal;
        }
        let Some(account) = account else {
            return Response::err("[AUTH] invalid user name or password");
        };
        if let Some(refusal) = self.misbehaviours.refuses_login() {
            return refusal;
        }
        let shared = self.misbehaviours.shares_maildrop();
        let lock = match account.history().unlock() {
            true if shared => Some(Lock::shared(&account)),
            true => account.lock(&self.peer),
            false => None,
        };
        let Some(lock) = lock else {
            return Response::err("[IN-USE] maildrop is locked by another session");
        };
        if !account.begins_login(self.settings.delay_of_logins()) {
            return Response::err("[LOGIN-DELAY] the last login was too recent");
        }
        match Transaction::new(lock, Arc::clone(&self.misbehaviours)) {
            Ok(transaction) => {
                let answer = format!(
                    "maildrop locked and ready, {} messages",
                    transaction.messages()
                );
                self.state = State::Transaction(Box::new(transaction));
                Response::ok(answer)
            }
            Err(error) => Response::err(format!("[SYS/TEMP] cannot open the maildrop: {error}")),
        }
    }

    /// Refuses logins of the same user, if there was no QUIT.
    pub(crate) fn refuse_next_logins(&mut self, logins: u64) {
        if let State::Transaction(transaction) = &self.state {
            transaction.refuse_next_logins(logins);
        }
    }

    /// Enters the UPDATE state, if there was a login, and ends the session.
    pub(crate) fn update(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Transaction(_) if self.misbehaviours.fails_update() => {
                Err(io::Error::other("they are needed elsewhere"))
            }
            State::Transaction(transaction) => {
                let retrieved_too =
                    self.settings.deletes_retrieved() || self.misbehaviours.deletes_retrieved();
                transaction.update(retrieved_too)
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn begin_exchange(&mut self, exchange: Box<dyn Exchange>) {
        self.state = State::Exchange(exchange);
    }

    /// A line within AUTH (RFC 5034 §4): base64, or `*` to cancel.
    fn exchange_line(&mut self, line: &[u8]) -> Response {
        match line {
            b"*" => {
                self.state = State::Authorization { user: None };
                Response::err("authentication cancelled")
            }
            encoded => self.exchange_encoded(encoded),
        }
    }

    pub(crate) fn exchange_encoded(&mut self, encoded: &[u8]) -> Response {
        match base64::decode(encoded) {
            Some(response) => self.exchange(Some(&response)),
            None => {
                self.state = State::Authorization { user: None };
                Response::err("that is not base64")
            }
        }
    }

    /// Hands the client's response to the mechanism; `None` at the start, without an initial one.
    pub(crate) fn exchange(&mut self, response: Option<&[u8]>) -> Response {
        let external = self.external().map(str::to_owned);
        let State::Exchange(exchange) = &mut self.state else {
            return Response::err("no exchange");
        };
        let context = Context {
            settings: &self.settings,
            external: external.as_deref(),
            misbehaviours: &self.misbehaviours,
            bindings: self.bindings.as_ref(),
        };
        match exchange.step(response, &context) {
            Step::Challenge(challenge) => self.misbehaviours.challenge(Response::raw(format!(
                "+ {}\r\n",
                base64::encode(&challenge)
            ))),
            Step::Done(account) => self.log_in(account),
            Step::Failed(why) => {
                self.state = State::Authorization { user: None };
                Response::err(why)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Account;
    use crate::mailbox::Mailbox;
    use crate::misbehave::Misbehaviours;

    struct Present;

    impl Peer for Present {
        fn is_gone(&self) -> bool {
            false
        }
    }

    fn session() -> Session {
        let mut settings = Settings::default();
        let sizes = [120, 200];
        let messages = Mailbox::messages(sizes.map(|octets| "x".repeat(octets - 2)));
        let account = Account::new("mrose".to_owned(), b"tanstaaf".to_vec(), messages);
        settings.accounts.insert(account);
        let misbehaviours = Arc::new(Misbehaviours::default());
        Session::new(Arc::new(settings), misbehaviours, Arc::new(Present), 1)
    }

    fn say(session: &mut Session, line: &str) -> String {
        let mut response = session.line(line.as_bytes());
        let mut octets = response.status;
        while response
            .body
            .as_mut()
            .is_some_and(|body| body.fill(&mut octets, usize::MAX).unwrap())
        {}
        String::from_utf8(octets).unwrap()
    }

    /// RFC 1939 §10, which leaves the texts to the server.
    #[test]
    fn the_session_of_rfc_1939() {
        let mut session = session();
        let stamp = session.stamp().unwrap().to_owned();
        assert!(
            String::from_utf8(session.greeting().status)
                .unwrap()
                .contains(&stamp)
        );
        let digest = crate::digest::md5(format!("{stamp}tanstaaf").as_bytes());
        let apop = format!("APOP mrose {}", crate::digest::hex(&digest));
        assert!(say(&mut session, &apop).starts_with("+OK maildrop locked and ready, 2 messages"));
        assert_eq!(say(&mut session, "STAT"), "+OK 2 320\r\n");
        assert_eq!(
            say(&mut session, "LIST"),
            "+OK 2 messages\r\n1 120\r\n2 200\r\n.\r\n"
        );
        assert!(say(&mut session, "RETR 1").starts_with("+OK 120 octets\r\n"));
        assert_eq!(say(&mut session, "DELE 1"), "+OK message 1 deleted\r\n");
        assert!(say(&mut session, "RETR 2").starts_with("+OK 200 octets\r\n"));
        assert_eq!(say(&mut session, "DELE 2"), "+OK message 2 deleted\r\n");
        assert_eq!(say(&mut session, "STAT"), "+OK 0 0\r\n");
        assert_eq!(say(&mut session, "QUIT"), "+OK bye\r\n");
        assert_eq!(
            session
                .accounts()
                .find(b"mrose")
                .unwrap()
                .source()
                .messages()
                .unwrap(),
            0
        );
    }
}
