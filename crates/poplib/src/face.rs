//! The methods of both clients, written once.
//!
//! `client!` and `session!` expand to the same methods for each face; the first argument is the
//! keyword `async` or nothing, the second what follows a call. No protocol logic stands here:
//! each method runs one exchange.

/// The methods of the AUTHORIZATION state.
macro_rules! client {
    ([$($async:tt)?] [$($await:tt)*]) => {
        impl Client {
            /// The server's greeting (RFC 1939 §4).
            #[must_use]
            pub fn greeting(&self) -> Option<&Welcome> {
                self.link.core.welcome.as_ref()
            }

            /// What TLS has agreed on, if it protects the connection.
            #[must_use]
            pub fn tls(&self) -> Option<&TlsFacts> {
                self.link.core.tls.as_ref()
            }

            /// What [`capa`](Self::capa) listed last, if nothing since has made it void.
            #[must_use]
            pub fn capabilities(&self) -> Option<&Capabilities> {
                self.link.core.connection.capabilities()
            }

            /// CAPA: asks what the server can do before login (RFC 2449 §5).
            ///
            /// # Errors
            ///
            /// [`Error::Protocol`] where the server refuses: an old server, which can still do
            /// what RFC 1939 demands.
            pub $($async)? fn capa(&mut self) -> Result<Capabilities, Error> {
                self.link.call(command::Capa) $($await)*
            }

            /// STLS: upgrades the connection to TLS (RFC 2595 §4). What was known of the server
            /// before is forgotten.
            ///
            /// # Errors
            ///
            /// [`Error::Protocol`] where the server refuses or TLS is on already,
            /// [`Error::Tls`]. After the latter the connection is gone.
            pub $($async)? fn stls(&mut self) -> Result<(), Error> {
                self.link.stls() $($await)*
            }

            /// UTF8: asks for UTF-8 in messages and texts (RFC 6856 §2).
            ///
            /// # Errors
            ///
            /// [`Error::Protocol`] where the server refuses.
            pub $($async)? fn utf8(&mut self) -> Result<Reply, Error> {
                self.link.call(command::Utf8) $($await)*
            }

            /// USER: names the maildrop (RFC 1939 §7); [`pass`](Self::pass) must follow.
            ///
            /// # Errors
            ///
            /// [`Error::Protocol`] where the server refuses, or where the name would cross the
            /// network in clear and [`Config`](crate::Config) does not allow that.
            pub $($async)? fn user(&mut self, name: &str) -> Result<Reply, Error> {
                self.link.call(command::User::new(name.as_bytes())) $($await)*
            }

            /// PASS: the password for the user named (RFC 1939 §7).
            ///
            /// # Errors
            ///
            /// [`LoginError`] holds the client for another try, unless the connection is gone.
            pub $($async)? fn pass(
                mut self,
                password: impl Into<Secret>,
            ) -> Result<Session, LoginError<Self>> {
                let outcome = self.link.call(command::Pass::new(password.into())) $($await)*;
                self.logged_in(outcome)
            }

            /// APOP: logs in with a digest of the greeting's timestamp and a secret (RFC 1939
            /// §7). MD5 protects little: without TLS, who listens can guess the secret offline.
            ///
            /// # Errors
            ///
            /// [`LoginError`] holds the client for another try, unless the connection is gone.
            /// Where the greeting has no timestamp nothing is sent.
            pub $($async)? fn apop(
                mut self,
                user: &str,
                secret: impl Into<Secret>,
            ) -> Result<Session, LoginError<Self>> {
                let outcome = match self.link.core.timestamp() {
                    Ok(timestamp) => {
                        let apop = command::Apop::new(user.as_bytes(), &secret.into(), &timestamp);
                        self.link.call(apop) $($await)*
                    }
                    Err(misuse) => Err(misuse.into()),
                };
                self.logged_in(outcome)
            }

            /// RPOP: logs in by the trusted address this connection comes from (RFC 1081; no
            /// later standard has it).
            ///
            /// # Errors
            ///
            /// [`LoginError`] holds the client for another try, unless the connection is gone.
            pub $($async)? fn rpop(mut self, user: &str) -> Result<Session, LoginError<Self>> {
                let outcome = self.link.call(command::Rpop::new(user.as_bytes())) $($await)*;
                self.logged_in(outcome)
            }

            /// Logs in with the strongest way that both sides know and
            /// [`Config::with_login_policy`](crate::Config::with_login_policy) admits. Asks CAPA
            /// first unless the capabilities are known.
            ///
            /// A mechanism that proves unusable is cancelled and the next one tried; a refusal of
            /// the credentials ends it.
            ///
            /// # Errors
            ///
            /// [`LoginError`] holds the client for another try, unless the connection is gone.
            pub $($async)? fn login(
                mut self,
                credentials: &Credentials,
            ) -> Result<Session, LoginError<Self>> {
                let outcome = match self.link.core.login(credentials) {
                    Ok(login) => self.link.run(login, Phase::Command(Verb::new("login"))) $($await)*,
                    Err(error) => Err(error),
                };
                self.logged_in(outcome)
            }

            /// AUTH: logs in with a SASL mechanism (RFC 5034), one of
            /// [`sasl`](crate::sasl)'s or your own.
            ///
            /// # Errors
            ///
            /// [`LoginError`] holds the client for another try, unless the connection is gone.
            pub $($async)? fn auth(
                mut self,
                mechanism: impl Mechanism + 'static,
            ) -> Result<Session, LoginError<Self>> {
                let auth = command::Auth::new(Box::new(mechanism));
                let outcome = self.link.run(auth, Phase::Command(Verb::new("AUTH"))) $($await)*;
                self.logged_in(outcome)
            }

            /// AUTH alone: which mechanisms there are, as old servers tell. CAPA tells it better.
            ///
            /// # Errors
            ///
            /// [`Error::Protocol`] where the server refuses.
            pub $($async)? fn auth_list(&mut self) -> Result<Vec<String>, Error> {
                self.link.call(command::AuthList) $($await)*
            }

            fn logged_in<T>(self, outcome: Result<T, Error>) -> Result<Session, LoginError<Self>> {
                match outcome {
                    Ok(_) => Ok(Session { link: self.link }),
                    Err(error) => {
                        let usable = self.link.core.connection.is_usable();
                        let client = usable.then_some(self);
                        Err(LoginError { error, client })
                    }
                }
            }
        }

        common!(Client [$($async)?] [$($await)*]);
    };
}

/// The methods of the TRANSACTION state.
macro_rules! session {
    ([$($async:tt)?] [$($await:tt)*]) => {
        impl Session {
            /// The server's greeting (RFC 1939 §4).
            #[must_use]
            pub fn greeting(&self) -> Option<&Welcome> {
                self.link.core.welcome.as_ref()
            }

            /// What TLS has agreed on, if it protects the connection.
            #[must_use]
            pub fn tls(&self) -> Option<&TlsFacts> {
                self.link.core.tls.as_ref()
            }

            /// What [`capa`](Self::capa) listed since login.
            #[must_use]
            pub fn capabilities(&self) -> Option<&Capabilities> {
                self.link.core.connection.capabilities()
            }

            /// CAPA: asks what the server can do after login (RFC 2449 §5).
            ///
            /// # Errors
            ///
            /// [`Error::Protocol`] where the server refuses.
            pub $($async)? fn capa(&mut self) -> Result<Capabilities, Error> {
                self.link.call(command::Capa) $($await)*
            }

            /// STAT: how many messages there are, and how many octets (RFC 1939 §5).
            ///
            /// # Errors
            ///
            /// [`Error::Protocol`] where the server refuses or gives no count.
            pub $($async)? fn stat(&mut self) -> Result<Maildrop, Error> {
                self.link.call(command::Stat) $($await)*
            }

            /// LIST: the size of every message (RFC 1939 §5).
            ///
            /// # Errors
            ///
            /// [`Error::Protocol`] where the server refuses, or lists more than
            /// [`Limits`](crate::Limits) allow.
            pub $($async)? fn list(&mut self) -> Result<Listing, Error> {
                self.link.call(command::List) $($await)*
            }

            /// LIST of one message, by its number (from 1).
            ///
            /// # Errors
            ///
            /// [`Error::Protocol`] where there is no such message.
            pub $($async)? fn list_one(&mut self, number: u32) -> Result<Scan, Error> {
                self.link.call(command::ListOne::new(number)) $($await)*
            }

            /// UIDL: the unique-id of every message (RFC 1939 §7).
            ///
            /// # Errors
            ///
            /// [`Error::Protocol`] where the server refuses, or lists more than
            /// [`Limits`](crate::Limits) allow.
            pub $($async)? fn uidl(&mut self) -> Result<UniqueIds, Error> {
                self.link.call(command::Uidl) $($await)*
            }

            /// UIDL of one message, by its number (from 1).
            ///
            /// # Errors
            ///
            /// [`Error::Protocol`] where there is no such message.
            pub $($async)? fn uidl_one(&mut self, number: u32) -> Result<Box<[u8]>, Error> {
                self.link.call(command::UidlOne::new(number)) $($await)*
            }

            /// RETR: retrieves the message with this number (from 1) as a stream (RFC 1939 §5).
            /// On many servers this marks it as seen.
            ///
            /// # Errors
            ///
            /// [`Error::Protocol`] where there is no such message.
            pub $($async)? fn retr(&mut self, number: u32) -> Result<Body<'_>, Error> {
                let start = self.link.call(command::Retr::new(number)) $($await)*?;
                Ok(Body::new(&mut self.link, start))
            }

            /// TOP: retrieves the header of the message with this number (from 1) and the first
            /// lines of its body (RFC 1939 §7). Servers are often wrong about it.
            ///
            /// # Errors
            ///
            /// [`Error::Protocol`] where there is no such message, or no TOP.
            pub $($async)? fn top(&mut self, number: u32, lines: u32) -> Result<Body<'_>, Error> {
                let start = self.link.call(command::Top::new(number, lines)) $($await)*?;
                Ok(Body::new(&mut self.link, start))
            }

            /// DELE: marks the message with this number (from 1) as deleted (RFC 1939 §5). It
            /// goes when [`quit`](Self::quit) succeeds.
            ///
            /// # Errors
            ///
            /// [`Error::Protocol`] where there is no such message.
            pub $($async)? fn dele(&mut self, number: u32) -> Result<Reply, Error> {
                self.link.call(command::Dele::new(number)) $($await)*
            }

            /// RSET: removes all marks of deletion (RFC 1939 §5).
            ///
            /// # Errors
            ///
            /// [`Error::Protocol`] where the server refuses.
            pub $($async)? fn rset(&mut self) -> Result<Reply, Error> {
                self.link.call(command::Rset) $($await)*
            }

            /// NOOP: keeps the session alive (RFC 1939 §5).
            ///
            /// # Errors
            ///
            /// [`Error::Protocol`] where the server refuses.
            pub $($async)? fn noop(&mut self) -> Result<Reply, Error> {
                self.link.call(command::Noop) $($await)*
            }
        }

        common!(Session [$($async)?] [$($await)*]);
    };
}

/// The methods that belong to both states.
macro_rules! common {
    ($state:ident [$($async:tt)?] [$($await:tt)*]) => {
        impl $state {
            /// LANG: which languages the server's texts can be in (RFC 6856 §3).
            ///
            /// # Errors
            ///
            /// [`Error::Protocol`] where the server refuses.
            pub $($async)? fn lang_list(&mut self) -> Result<Vec<Language>, Error> {
                self.link.call(command::LangList) $($await)*
            }

            /// LANG: chooses the language of the server's texts by its tag, `*` leaves the choice
            /// to the server (RFC 6856 §3).
            ///
            /// # Errors
            ///
            /// [`Error::Protocol`] where the server has no such language.
            pub $($async)? fn lang(&mut self, tag: &str) -> Result<Reply, Error> {
                self.link.call(command::Lang::new(tag)) $($await)*
            }

            /// A command of your own that is answered with one line.
            ///
            /// # Errors
            ///
            /// [`Error::Protocol`] where the server refuses.
            pub $($async)? fn custom(&mut self, line: &str) -> Result<Reply, Error> {
                self.link.call(command::Custom::new(line)) $($await)*
            }

            /// A command of your own that is answered with lines up to a terminator.
            ///
            /// # Errors
            ///
            /// [`Error::Protocol`] where the server refuses.
            pub $($async)? fn custom_lines(&mut self, line: &str) -> Result<CustomAnswer, Error> {
                self.link.call(command::CustomLines::new(line)) $($await)*
            }

            /// QUIT: ends the session and closes the connection (RFC 1939 §5, §6). Only after
            /// its success are messages marked as deleted gone.
            ///
            /// # Errors
            ///
            /// [`Error::Protocol`] where the server refuses: some of the messages marked as
            /// deleted may be left.
            pub $($async)? fn quit(mut self) -> Result<Reply, Error> {
                let reply = self.link.call(command::Quit) $($await)*?;
                self.link.close() $($await)*;
                Ok(reply)
            }

            /// The stream and the TLS state aside, the connection as the protocol core knows it.
            #[must_use]
            pub fn connection(&self) -> &Connection {
                &self.link.core.connection
            }
        }

        impl std::fmt::Debug for $state {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($state))
                    .field("connection", &self.link.core.connection)
                    .field("tls", &self.link.core.tls)
                    .finish_non_exhaustive()
            }
        }
    };
}

/// The parts of a message's body that do no input.
macro_rules! body {
    ($($extra:ident: $initial:expr)?) => {
        impl<'a> Body<'a> {
            pub(super) fn new(link: &'a mut Link, start: BodyStart) -> Self {
                let progress = link.core.progress();
                Self {
                    link,
                    start,
                    progress,
                    used: 0,
                    $($extra: $initial,)?
                }
            }

            /// The server's +OK line. Octets named in it are a hint and no length.
            #[must_use]
            pub fn reply(&self) -> &Reply {
                &self.start.reply
            }

            /// What is left of the present piece.
            fn rest(&self) -> &[u8] {
                &self.link.core.connection.run()[self.used..]
            }
        }
    };
}

pub(crate) use {body, client, common, session};
