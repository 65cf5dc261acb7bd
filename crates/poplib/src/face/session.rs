//! The methods of the TRANSACTION state.

macro_rules! session {
    ([$($async:tt)?] [$($await:tt)*] $example:expr, $iteration:expr) => {
        impl Session {
            /// Connects and logs in, and puts up with servers that cannot bear being asked:
            ///
            /// - One that hangs or hangs up at CAPA is connected to anew and not asked again
            ///   ([Q24]).
            /// - One that hangs, hangs up or mixes its answers where USER and PASS come in one
            ///   flight is connected to anew, and gets them one after the other ([Q7]).
            /// - One that hangs up at a way to log in is connected to anew, once, and the next
            ///   way tried ([Q17]).
            ///
            /// Between CAPA and the login it asks for UTF-8 where
            /// [`Config::with_utf8`](crate::Config::with_utf8) has it.
            ///
            /// What the first two show is [evidence](crate::Config::quirks), and more of it makes
            /// later sessions do without from the beginning. The deadline of the session is one
            /// for all connections.
            ///
            /// # Errors
            ///
            /// Those of [`Client::connect`] and [`Client::login`].
            ///
            /// [Q24]: poplib_proto::rows#q24
            /// [Q7]: poplib_proto::rows#q7
            /// [Q17]: poplib_proto::rows#q17
            pub $($async)? fn open(
                config: &Config,
                credentials: &Credentials,
            ) -> Result<Self, Error> {
                let mut opening = Opening::new(config);
                loop {
                    let mut client = Client::connect_since(opening.begun(), config) $($await)*?;
                    client.link.core.avoid(opening.avoided());
                    if !opening.avoided().capa {
                        let outcome = client.capa() $($await)*;
                        if !opening.goes_on(outcome)? {
                            continue;
                        }
                    }
                    if client.link.core.wants_utf8() {
                        let outcome = client.utf8() $($await)*;
                        client.link.core.goes_on_after_utf8(outcome)?;
                    }
                    let mut login = opening.login(&client.link.core, credentials)?;
                    let phase = Phase::Command(Verb::new("login"));
                    let outcome = client.link.run(&mut login, phase) $($await)*;
                    client.link.core.learn_from_login(&login, &outcome);
                    if let Some(logged_in) = opening.opened(outcome, &login)? {
                        return Ok(Self { link: client.link, logged_in });
                    }
                }
            }

            /// How it was logged in, and what the server said to that: which of the mechanisms
            /// [`login`](Client::login) or [`open`](Self::open) has taken.
            #[must_use]
            pub fn authentication(&self) -> &LoggedIn {
                &self.logged_in
            }

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
                let outcome = self.link.call(command::Capa) $($await)*;
                self.link.core.learn_from_capa(Practice::CapaAfterLogin, &outcome);
                outcome
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

            /// CAPA, STAT, UIDL and LIST: all there is to know before the first message, in one
            /// flight where the server advertises PIPELINING. UIDL is asked for whatever CAPA
            /// says of it ([Q5]).
            ///
            /// # Errors
            ///
            /// Those that end the connection; a refusal of one of the four stands in its place.
            /// Where it broke while all four were on their way,
            /// [`ProtocolError::PipelineBroken`](crate::ProtocolError::PipelineBroken).
            ///
            /// [Q5]: poplib_proto::rows#q5
            pub $($async)? fn overview(&mut self) -> Result<Overview, Error> {
                let (mut survey, is_flight) = self.link.core.survey();
                let phase = Phase::Command(Verb::new("UIDL"));
                let outcome = self.link.run(&mut survey, phase) $($await)*;
                self.link.core.learn_from_survey(&survey, is_flight, outcome)
            }

            /// RETR of many messages, pipelined where the server advertises it (RFC 2449 §6.6).
            /// Given as numbers, or better as [`Scan`]s, whose octets bound what is on its way.
            ///
            /// ```no_run
            #[doc = $example]
            /// ```
            ///
            /// # Errors
            ///
            /// Those that end the connection; here, those of CAPA where it had to be asked.
            pub $($async)? fn retr_many<I>(
                &mut self,
                messages: I,
            ) -> Result<Bodies<'_, I::IntoIter, command::Retr>, Error>
            where
                I: IntoIterator<Item: Into<Wanted>>,
            {
                self.link.learn_pipelining() $($await)*?;
                Ok(Bodies::new(&mut self.link, batch::retr(messages.into_iter())))
            }

            /// TOP of many messages, pipelined where the server advertises it.
            ///
            /// # Errors
            ///
            /// Those that end the connection.
            pub $($async)? fn top_many<I>(
                &mut self,
                numbers: I,
                lines: u32,
            ) -> Result<Bodies<'_, I::IntoIter, command::Top>, Error>
            where
                I: IntoIterator<Item = u32>,
            {
                self.link.learn_pipelining() $($await)*?;
                Ok(Bodies::new(&mut self.link, batch::top(numbers.into_iter(), lines)))
            }

            /// DELE of many messages, pipelined where the server advertises it.
            ///
            /// # Errors
            ///
            /// Those that end the connection.
            pub $($async)? fn dele_many<I>(
                &mut self,
                numbers: I,
            ) -> Result<Batch<'_, I::IntoIter, command::Dele>, Error>
            where
                I: IntoIterator<Item = u32>,
            {
                self.link.learn_pipelining() $($await)*?;
                Ok(Batch::new(&mut self.link, batch::dele(numbers.into_iter())))
            }

            /// LIST of many single messages, pipelined where the server advertises it.
            ///
            /// # Errors
            ///
            /// Those that end the connection.
            pub $($async)? fn list_many<I>(
                &mut self,
                numbers: I,
            ) -> Result<Batch<'_, I::IntoIter, command::ListOne>, Error>
            where
                I: IntoIterator<Item = u32>,
            {
                self.link.learn_pipelining() $($await)*?;
                Ok(Batch::new(&mut self.link, batch::list(numbers.into_iter())))
            }

            /// UIDL of many single messages, pipelined where the server advertises it.
            ///
            /// # Errors
            ///
            /// Those that end the connection.
            pub $($async)? fn uidl_many<I>(
                &mut self,
                numbers: I,
            ) -> Result<Batch<'_, I::IntoIter, command::UidlOne>, Error>
            where
                I: IntoIterator<Item = u32>,
            {
                self.link.learn_pipelining() $($await)*?;
                Ok(Batch::new(&mut self.link, batch::uidl(numbers.into_iter())))
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

        batches!([$($async)?] [$($await)*] $iteration);
        common!(Session [$($async)?] [$($await)*]);
    };
}

pub(crate) use session;
