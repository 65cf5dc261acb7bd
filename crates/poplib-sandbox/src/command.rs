//! The commands, one file each.

mod apop;
mod auth;
mod capa;
mod dele;
mod lang;
mod list;
mod noop;
mod pass;
mod quit;
mod retr;
mod rpop;
mod rset;
mod stat;
mod stls;
mod top;
mod uidl;
mod user;
mod utf8;

use std::fmt;

use crate::response::Response;
use crate::session::Session;
use crate::transaction::Transaction;

/// What carries a command out, by the state that it is allowed in.
enum Handler {
    Authorization(fn(&mut Session, &[u8]) -> Response),
    Transaction(fn(&mut Transaction, &[u8]) -> Response),
    Anywhere(fn(&mut Session, &[u8]) -> Response),
}

macro_rules! keywords {
    ($($keyword:ident $name:literal $state:ident($run:path);)*) => {
        /// The commands that the server knows.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[non_exhaustive]
        #[expect(missing_docs, reason = "the names are the RFCs'")]
        pub enum Keyword { $($keyword,)* }

        impl Keyword {
            /// Every keyword.
            pub const ALL: &[Self] = &[$(Self::$keyword,)*];

            /// As it stands on the wire.
            pub fn name(self) -> &'static str {
                match self { $(Self::$keyword => $name,)* }
            }

            fn handler(self) -> Handler {
                match self { $(Self::$keyword => Handler::$state($run),)* }
            }
        }
    };
}

keywords! {
    Apop "APOP" Authorization(apop::run);
    Auth "AUTH" Authorization(auth::run);
    Capa "CAPA" Anywhere(capa::run);
    Dele "DELE" Transaction(dele::run);
    Lang "LANG" Anywhere(lang::run);
    List "LIST" Transaction(list::run);
    Noop "NOOP" Transaction(noop::run);
    Pass "PASS" Authorization(pass::run);
    Quit "QUIT" Anywhere(quit::run);
    Retr "RETR" Transaction(retr::run);
    Rpop "RPOP" Authorization(rpop::run);
    Rset "RSET" Transaction(rset::run);
    Stat "STAT" Transaction(stat::run);
    Stls "STLS" Authorization(stls::run);
    Top "TOP" Transaction(top::run);
    Uidl "UIDL" Transaction(uidl::run);
    User "USER" Authorization(user::run);
    Utf8 "UTF8" Authorization(utf8::run);
}

impl fmt::Display for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Keyword {
    /// The keyword of this name, in any case.
    pub fn find(name: &[u8]) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|keyword| keyword.name().as_bytes().eq_ignore_ascii_case(name))
    }

    pub(crate) fn run(self, session: &mut Session, argument: &[u8]) -> Response {
        match self.handler() {
            Handler::Anywhere(run) => run(session, argument),
            Handler::Authorization(run) => match session.transaction() {
                None => run(session, argument),
                Some(_) => Response::err("not after login"),
            },
            Handler::Transaction(run) => match session.transaction() {
                Some(transaction) => run(transaction, argument),
                None => Response::err("log in first"),
            },
        }
    }
}

/// Separates the keyword from its arguments.
pub(crate) fn split(line: &[u8]) -> (&[u8], &[u8]) {
    match line.iter().position(|octet| *octet == b' ') {
        Some(space) => (&line[..space], &line[space + 1..]),
        None => (line, b""),
    }
}

/// A decimal number as RFC 1939 writes it.
pub(crate) fn number(argument: &[u8]) -> Option<u64> {
    let digits = argument.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(argument).ok().filter(|_| digits)?;
    text.parse().ok()
}
