//! The commands: one command, one file.
//!
//! Each implements [`Command`](crate::Command), which [`Call`](crate::Call) drives, or, where it
//! takes more than a line and an answer, [`Exchange`](crate::Exchange) itself.

mod apop;
mod auth;
mod capa;
mod custom;
mod dele;
mod greeting;
mod lang;
mod list;
mod login;
mod noop;
mod pass;
mod quit;
mod retr;
mod rpop;
mod rset;
mod stat;
mod stls;
mod survey;
mod top;
mod uidl;
mod user;
mod utf8;

pub use apop::Apop;
pub use auth::{Auth, AuthList};
pub use capa::Capa;
pub use custom::{Custom, CustomAnswer, CustomBody, CustomLines};
pub use dele::Dele;
pub use greeting::{Greeting, Welcome};
pub use lang::{Lang, LangList, Language};
pub use list::{List, ListOne, Listing, Scan};
pub use login::{LoggedIn, Login, LoginParameters};
pub use noop::Noop;
pub use pass::Pass;
pub use quit::Quit;
pub use retr::{BodyStart, Retr};
pub use rpop::Rpop;
pub use rset::Rset;
pub use stat::{Maildrop, Stat};
pub use stls::Stls;
pub use survey::{Overview, Survey};
pub use top::Top;
pub use uidl::{Uidl, UidlOne, UniqueId, UniqueIds, UniqueIdsIter};
pub use user::User;
pub use utf8::Utf8;

use crate::connection::State;

const AUTHORIZATION: &[State] = &[State::Authorization];
const TRANSACTION: &[State] = &[State::Transaction];
const ANY_STATE: &[State] = &[State::Authorization, State::Transaction];
