//! The calls a transcript makes, by name, and their outcomes as text.

use poplib_proto::command::{
    AuthList, BodyStart, Capa, Custom, CustomBody, CustomLines, Dele, Greeting, Lang, LangList,
    List, ListOne, Listing, Maildrop, Noop, Overview, Pass, Quit, Retr, Rpop, Rset, Scan, Stat,
    Stls, Survey, Top, Uidl, UidlOne, UniqueIds, User, Utf8,
};
use poplib_proto::connection::BodyStep;
use poplib_proto::wire::capability::Expire;
use poplib_proto::{
    Call, Capabilities, Command, Connection, Error, Exchange, Reply, ResponseCode, Secret, Step,
};

use crate::support::logins;
use crate::support::text::{escape, unescape};

/// What a call came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Everything but a body, in words.
    pub(crate) facts: Vec<String>,
    /// The body, if the command has one.
    pub(crate) content: Option<Vec<u8>>,
}

/// A call of any kind.
pub(crate) trait AnyCall {
    /// Puts the command into the queue.
    fn submit(&mut self, connection: &mut Connection) -> Result<(), Error>;

    /// Goes on.
    fn resume(&mut self, connection: &mut Connection) -> Result<Step<Outcome>, Error>;
}

/// A command whose answer is described by the function.
struct Described<C: Command>(Call<C>, fn(&C::Output) -> Vec<String>);

/// A command whose answer is a body, which is collected.
struct Fetched<C: Command<Output = BodyStart>> {
    call: Call<C>,
    start: Option<BodyStart>,
    content: Vec<u8>,
}

/// An exchange that is more than one command, or less.
struct Exchanged<E: Exchange>(E, fn(&E::Output) -> Vec<String>);

impl<C: Command> AnyCall for Described<C> {
    fn submit(&mut self, connection: &mut Connection) -> Result<(), Error> {
        self.0.submit(connection)
    }

    fn resume(&mut self, connection: &mut Connection) -> Result<Step<Outcome>, Error> {
        let step = self.0.resume(connection)?;
        Ok(step.map(|output| Outcome::of(self.1(&output))))
    }
}

impl<C: Command<Output = BodyStart>> AnyCall for Fetched<C> {
    fn submit(&mut self, connection: &mut Connection) -> Result<(), Error> {
        self.call.submit(connection)
    }

    fn resume(&mut self, connection: &mut Connection) -> Result<Step<Outcome>, Error> {
        let start = match &self.start {
            Some(start) => start,
            None => match self.call.resume(connection)? {
                Step::Done(start) => self.start.insert(start),
                Step::Want(want) => return Ok(Step::Want(want)),
                Step::StartTls => return Ok(Step::StartTls),
            },
        };
        loop {
            match connection.advance_body(start.ticket)? {
                BodyStep::Run => self.content.extend_from_slice(connection.run()),
                BodyStep::Read => return Ok(connection.wait()),
                BodyStep::End => {
                    return Ok(Step::Done(Outcome {
                        facts: said(&start.reply),
                        content: Some(self.content.clone()),
                    }));
                }
            }
        }
    }
}

impl<E: Exchange> AnyCall for Exchanged<E> {
    fn submit(&mut self, _connection: &mut Connection) -> Result<(), Error> {
        panic!("only a command can be submitted");
    }

    fn resume(&mut self, connection: &mut Connection) -> Result<Step<Outcome>, Error> {
        let step = self.0.resume(connection)?;
        Ok(step.map(|output| Outcome::of(self.1(&output))))
    }
}

impl Outcome {
    fn of(facts: Vec<String>) -> Self {
        Self {
            facts,
            content: None,
        }
    }
}

/// The call that a line of a transcript names.
pub(crate) fn parse(text: &str) -> Box<dyn AnyCall> {
    let (name, argument) = text.split_once(' ').unwrap_or((text, ""));
    let octets = || unescape(argument);
    let number = |word: &str| -> u32 { word.parse().expect("a number") };
    match (name, argument) {
        ("greeting", "") => exchanged(Greeting::new(), |it| said(it.reply())),
        ("stls", "") => exchanged(Stls::new(), |&()| vec!["TLS".into()]),
        ("login", _) => logins::login(argument),
        ("auth", _) => logins::auth(argument),
        ("auth-list", "") => described(AuthList, Clone::clone),
        ("apop", _) => logins::apop(argument),
        ("capa", "") => described(Capa, capabilities),
        ("user", _) => described(User::new(&octets()), said),
        ("pass", _) => described(Pass::new(Secret::from(octets())), said),
        ("rpop", _) => described(Rpop::new(&octets()), said),
        ("utf8", "") => described(Utf8, said),
        ("lang", "") => described(LangList, |languages| {
            let lines = languages.iter();
            lines.map(|it| format!("{} {}", it.tag, it.name)).collect()
        }),
        ("lang", tag) => described(Lang::new(tag), said),
        ("stat", "") => described(Stat, maildrop),
        ("list", "") => described(List, listing),
        ("list", one) => described(ListOne::new(number(one)), |it| vec![scan(it)]),
        ("uidl", "") => described(Uidl, unique_ids),
        ("survey", "") => exchanged(Survey::new(false), overview),
        ("survey", "one-flight") => exchanged(Survey::new(true), overview),
        ("survey", "without-capa") => exchanged(Survey::new(false).without_capa(), overview),
        ("survey", "one-flight without-capa") => {
            exchanged(Survey::new(true).without_capa(), overview)
        }
        ("uidl", one) => described(UidlOne::new(number(one)), |uid| vec![escape(uid)]),
        ("retr", one) => fetched(Retr::new(number(one))),
        ("top", both) => {
            let (one, lines) = both.split_once(' ').expect("a number and lines");
            fetched(Top::new(number(one), number(lines)))
        }
        ("dele", one) => described(Dele::new(number(one)), said),
        ("noop", "") => described(Noop, said),
        ("rset", "") => described(Rset, said),
        ("quit", "") => described(Quit, said),
        ("custom", line) => described(Custom::new(line), said),
        ("custom-lines", line) => described(CustomLines::new(line), |answer| {
            let lines = answer.lines.iter().map(|line| escape(line));
            said(&answer.reply).into_iter().chain(lines).collect()
        }),
        ("custom-body", line) => fetched(CustomBody::new(line)),
        _ => panic!("no call is named {text:?}"),
    }
}

pub(crate) fn described<C: Command + 'static>(
    command: C,
    describe: fn(&C::Output) -> Vec<String>,
) -> Box<dyn AnyCall> {
    Box::new(Described(Call::new(command), describe))
}

pub(crate) fn exchanged<E: Exchange + 'static>(
    exchange: E,
    describe: fn(&E::Output) -> Vec<String>,
) -> Box<dyn AnyCall> {
    Box::new(Exchanged(exchange, describe))
}

fn fetched<C: Command<Output = BodyStart> + 'static>(command: C) -> Box<dyn AnyCall> {
    Box::new(Fetched {
        call: Call::new(command),
        start: None,
        content: Vec::new(),
    })
}

pub(crate) fn said(reply: &Reply) -> Vec<String> {
    vec![escape(reply.line())]
}

fn maildrop(maildrop: &Maildrop) -> Vec<String> {
    vec![format!(
        "{} {}",
        maildrop.messages,
        or_unknown(maildrop.octets)
    )]
}

fn listing(listing: &Listing) -> Vec<String> {
    let scans = listing.scans().iter().map(scan);
    scans.chain(unreadable(listing.unreadable())).collect()
}

fn unique_ids(ids: &UniqueIds) -> Vec<String> {
    let lines = ids.iter().map(|id| {
        let odd = if id.is_conformant() { "" } else { " (odd)" };
        format!("{} {}{odd}", id.number, escape(id.uid))
    });
    lines.chain(unreadable(ids.unreadable())).collect()
}

/// What each command of a survey tells, or the error it ended with.
fn overview(overview: &Overview) -> Vec<String> {
    fn part<T>(outcome: &Result<T, Error>, facts: fn(&T) -> Vec<String>) -> Vec<String> {
        match outcome {
            Ok(output) => facts(output),
            Err(error) => vec![describe(error)],
        }
    }
    [
        part(&overview.capabilities, capabilities),
        part(&overview.maildrop, maildrop),
        part(&overview.unique_ids, unique_ids),
        part(&overview.listing, listing),
    ]
    .concat()
}

fn scan(scan: &Scan) -> String {
    format!("{} {}", scan.number(), or_unknown(scan.octets()))
}

fn or_unknown(octets: Option<u64>) -> String {
    octets.map_or("?".into(), |octets| octets.to_string())
}

fn unreadable(lines: usize) -> Option<String> {
    (lines > 0).then(|| format!("unreadable {lines}"))
}

/// What the typed questions answer, and the lines that none asks for by their tags.
fn capabilities(listed: &Capabilities) -> Vec<String> {
    let flags = [
        ("TOP", listed.top()),
        ("USER", listed.user()),
        ("RESP-CODES", listed.response_codes()),
        ("AUTH-RESP-CODE", listed.auth_response_code()),
        ("PIPELINING", listed.pipelining()),
        ("UIDL", listed.uidl()),
        ("STLS", listed.stls()),
        ("UTF8", listed.utf8() && !listed.utf8_user()),
        ("UTF8 USER", listed.utf8_user()),
        ("LANG", listed.lang()),
    ];
    let held = flags.iter().filter(|(_, held)| *held);
    let mut facts: Vec<String> = held.map(|(tag, _)| tag.to_string()).collect();
    let sasl: Vec<&str> = listed.sasl().collect();
    if !sasl.is_empty() {
        facts.push(format!("SASL {}", sasl.join(" ")));
    }
    if let Some(delay) = listed.login_delay() {
        facts.push(format!("LOGIN-DELAY {}{}", delay.value, user(delay.varies)));
    }
    if let Some(expire) = listed.expire() {
        let value = match expire.value {
            Expire::Never => "NEVER".into(),
            Expire::Days(days) => days.to_string(),
        };
        facts.push(format!("EXPIRE {value}{}", user(expire.varies)));
    }
    let implementation = listed.implementation();
    facts.extend(implementation.map(|text| format!("IMPLEMENTATION {}", escape(text))));
    facts.push(format!("{} lines", listed.lines().len()));
    facts
}

fn user(varies: bool) -> &'static str {
    if varies { " USER" } else { "" }
}

/// An error in words.
pub(crate) fn describe(error: &Error) -> String {
    match error {
        Error::Misuse(misuse) => format!("misuse {misuse}"),
        Error::Refused(refused) => {
            let line = escape(refused.reply.line());
            let code = refused.reply.code().map(code).unwrap_or_default();
            let status = refused
                .explanation
                .as_ref()
                .and_then(|it| it.status.as_ref());
            let status = status
                .map(|status| format!(" ({status})"))
                .unwrap_or_default();
            format!("refused {}{code}{status}: {line}", refused.verb)
        }
        Error::NoWay(no_candidate) => no_candidate.to_string(),
        Error::Sasl(failed) => format!("sasl {}: {}", failed.mechanism, failed.cause),
        Error::Misbehaved(misbehaved) => {
            let line = escape(&misbehaved.line);
            let text = format!(
                "misbehaved {} {:?}: {line}",
                misbehaved.verb, misbehaved.how
            );
            text.trim_end_matches(": ").into()
        }
        Error::Closed(closed) if closed.partial.is_empty() => format!("closed {}", closed.verb),
        Error::Closed(closed) => {
            format!("closed {} after {}", closed.verb, escape(&closed.partial))
        }
        Error::PipelineBroken(cause) => format!("pipeline broken by {}", describe(cause)),
        Error::Poisoned(cause) => format!("poisoned by {}", describe(cause)),
        other => format!("{other:?}"),
    }
}

fn code(code: &ResponseCode) -> String {
    let retryable = if code.is_retryable() {
        ", retryable"
    } else {
        ""
    };
    format!(" ({:?}{retryable})", code.kind())
}
