//! The methods of the AUTHORIZATION state.

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
                let outcome = self.link.call(command::Capa) $($await)*;
                self.link.core.learn_from_capa(Practice::Capa, &outcome);
                outcome
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

            /// UTF8: asks for UTF-8 in messages and texts (RFC 6856 §2). User names and passwords
            /// may then be UTF-8 too, where the server lists
            /// [`UTF8 USER`](Capabilities::utf8_user).
            ///
            /// # Errors
            ///
            /// [`Error::Protocol`] where the server refuses. [`stls`](Self::stls) is too late
            /// afterwards (RFC 6856 §2.1).
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
                self.logged_in("USER", outcome)
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
                self.logged_in("+APOP", outcome)
            }

            /// RPOP: logs in by the trusted address this connection comes from (RFC 1081; no
            /// later standard has it).
            ///
            /// # Errors
            ///
            /// [`LoginError`] holds the client for another try, unless the connection is gone.
            pub $($async)? fn rpop(mut self, user: &str) -> Result<Session, LoginError<Self>> {
                let outcome = self.link.call(command::Rpop::new(user.as_bytes())) $($await)*;
                self.logged_in("RPOP", outcome)
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
                let outcome = match self.link.core.login(credentials, None) {
                    Ok(mut login) => {
                        let phase = Phase::Command(Verb::new("login"));
                        let outcome = self.link.run(&mut login, phase) $($await)*;
                        self.link.core.learn_from_login(&login, &outcome);
                        outcome
                    }
                    Err(error) => Err(error),
                };
                self.session(outcome)
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
                let name = mechanism.name().to_owned();
                let auth = command::Auth::new(Box::new(mechanism));
                let outcome = self.link.run(auth, Phase::Command(Verb::new("AUTH"))) $($await)*;
                self.logged_in(&name, outcome)
            }

            /// AUTH alone: which mechanisms there are, as old servers tell. CAPA tells it better.
            ///
            /// # Errors
            ///
            /// [`Error::Protocol`] where the server refuses.
            pub $($async)? fn auth_list(&mut self) -> Result<Vec<String>, Error> {
                self.link.call(command::AuthList) $($await)*
            }

            fn logged_in(
                self,
                method: &str,
                outcome: Result<Reply, Error>,
            ) -> Result<Session, LoginError<Self>> {
                self.session(outcome.map(|reply| LoggedIn::new(method, reply)))
            }

            fn session(
                self,
                outcome: Result<LoggedIn, Error>,
            ) -> Result<Session, LoginError<Self>> {
                match outcome {
                    Ok(logged_in) => Ok(Session { link: self.link, logged_in }),
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

pub(crate) use client;
