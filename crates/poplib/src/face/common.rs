//! The methods that belong to both states.

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

            /// A command of your own that is answered with one line, given without its CRLF. No
            /// part of it is treated as secret.
            ///
            /// # Errors
            ///
            /// [`Error::Protocol`] where the server refuses, or where the line has CR, LF or NUL or
            /// more than 255 octets.
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

            /// A command of your own that is answered with a message, as RETR is.
            ///
            /// # Errors
            ///
            /// [`Error::Protocol`] where the server refuses.
            pub $($async)? fn custom_body(&mut self, line: &str) -> Result<Body<'_>, Error> {
                let start = self.link.call(command::CustomBody::new(line)) $($await)*?;
                Ok(Body::new(&mut self.link, start))
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

            /// Whom the TCP connection goes to: an address of the server or of the proxy. `None`
            /// where [`from_stream`](Client::from_stream) was given the stream.
            #[must_use]
            pub fn peer_addr(&self) -> Option<SocketAddr> {
                self.link.core.peer
            }

            /// The stream, to go on with it in a way that is not POP3: in clear as it was given, or
            /// within TLS. With it come the octets that were received and answered no command. No
            /// QUIT is sent.
            ///
            /// `None` where the connection is gone, and where the answer to a command is not read to
            /// its end: a body that was dropped, a call that was cancelled.
            #[must_use]
            pub fn into_inner(self) -> Option<(Box<dyn Transport>, Vec<u8>)> {
                self.link.into_stream()
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

pub(crate) use common;
