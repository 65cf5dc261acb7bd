//! Everything the server can do wrong, by name.
//!
//! To add a misbehaviour, add a line to the list below and an arm to the hook that it belongs in:
//!
//! | where it shows | hook |
//! |---|---|
//! | every octet that is sent | [`wire`] |
//! | greeting, TLS and capabilities | [`beginning`] |
//! | login | [`login`] |
//! | the answers to commands in general | [`answers`] |
//! | STAT, LIST, UIDL | [`listing`] |
//! | the bodies of RETR and TOP | [`bodies`] |
//! | the messages themselves | [`maildrop`] |
//! | in the course of a session, such as what DELE does | [`course`] |
//! | from one session to the next | [`history`] |

mod answers;
mod argument;
mod beginning;
mod bodies;
mod content;
mod course;
mod fault;
mod history;
mod listing;
mod login;
mod maildrop;
mod wire;

use std::fmt;
use std::str::FromStr;

pub use argument::{Answer, BodyOf, InAnswer, InBody, InBodyOf, Phase, Refusal, Text};
pub use fault::{Fault, Sessions, UnknownFault};
pub(crate) use history::History;
pub(crate) use wire::{Pipelined, WireFaults};

use argument::Argument;
use course::Course;

use crate::command::Keyword;

macro_rules! misbehaviours {
    ($($(#[doc = $description:literal])+ $variant:ident $(($argument:ty))? $name:literal $($syntax:literal)?;)*) => {
        /// Something the server does wrong on request.
        ///
        /// Each has a name, with an argument where one is shown: `cut-after=1000`.
        #[derive(Clone, Debug, Eq, PartialEq)]
        #[non_exhaustive]
        pub enum Misbehaviour {
            $($(#[doc = $description])+ $variant $(($argument))?,)*
        }

        impl Misbehaviour {
            /// All of them, for a help text.
            pub const CATALOGUE: &[Entry] = &[$(Entry {
                name: $name,
                argument: concat!($($syntax)?),
                description: concat!($($description),+),
            },)*];
        }

        impl FromStr for Misbehaviour {
            type Err = UnknownFault;

            fn from_str(text: &str) -> Result<Self, UnknownFault> {
                let (name, argument) = match text.split_once('=') {
                    Some((name, argument)) => (name, Some(argument)),
                    None => (text, None),
                };
                match name {
                    $($name => misbehaviours!(@parse $variant $(($argument))?, argument, text),)*
                    _ => Err(UnknownFault::name(text)),
                }
            }
        }

        impl fmt::Display for Misbehaviour {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(misbehaviours!(@pattern $variant $(($argument))?, argument) =>
                        misbehaviours!(@display $name $(($argument))?, argument, f),)*
                }
            }
        }
    };
    (@parse $variant:ident ($argument:ty), $given:expr, $text:expr) => {
        <$argument>::parse($given)
            .map(Misbehaviour::$variant)
            .ok_or_else(|| UnknownFault::argument($text))
    };
    (@parse $variant:ident, $given:expr, $text:expr) => {
        match $given {
            None => Ok(Misbehaviour::$variant),
            Some(_) => Err(UnknownFault::argument($text)),
        }
    };
    (@pattern $variant:ident ($argument:ty), $name:ident) => { Misbehaviour::$variant($name) };
    (@pattern $variant:ident, $name:ident) => { Misbehaviour::$variant };
    (@display $text:literal ($argument:ty), $name:ident, $f:ident) => { write!($f, "{}={}", $text, $name) };
    (@display $text:literal, $name:ident, $f:ident) => { $f.write_str($text) };
}

misbehaviours! {
    // Every octet that is sent.
    /// Sends one octet at a time.
    OneByteWrites "one-byte-writes";
    /// Waits so many milliseconds before each octet.
    Drip(u64) "drip" "MILLIS";
    /// Waits so many milliseconds before each answer.
    Delay(u64) "delay" "MILLIS";
    /// Ends lines with LF alone (Q8).
    LfOnly "lf-only";
    /// Closes the connection after so many octets in all.
    CutAfter(u64) "cut-after" "BYTES";
    /// Resets the connection after so many octets in all.
    ResetAfter(u64) "reset-after" "BYTES";
    /// Falls silent after so many octets in all, and reads no more.
    StallAfter(u64) "stall-after" "BYTES";
    /// Closes the connection when the client says nothing for so long (Q27).
    IdleTimeout(u64) "idle-timeout" "MILLIS";
    /// Answers pipelined commands in the wrong order (Q7).
    PipelineMixed "pipeline-mixed";
    /// Closes the connection when commands are pipelined (Q7).
    PipelineCloses "pipeline-closes";
    /// Forgets what was pipelined behind a command (Q7).
    PipelineForgotten "pipeline-forgotten";

    // How a connection begins.
    /// Falls silent in a phase: greeting (if none is named), tls, or a command.
    Stall(Phase) "stall" "PHASE";
    /// Sends this instead of the greeting; it needs its own `\r\n`.
    Greeting(Text) "greeting" "TEXT";
    /// Greets with -ERR and closes (Q29).
    ErrGreeting "err-greeting";
    /// Greets as an IMAP server does (Q29).
    ImapGreeting "imap-greeting";
    /// Greets as an SMTP server does (Q29).
    SmtpGreeting "smtp-greeting";
    /// Swaps the ports: TLS where clear text is expected and the reverse (Q29).
    SwapPorts "swap-ports";
    /// Offers APOP with this timestamp.
    Stamp(Text) "stamp" "TEXT";
    /// Offers APOP with a timestamp that is not a msg-id (Q18).
    BadStamp "bad-stamp";
    /// Offers APOP with two timestamps (Q18).
    TwoStamps "two-stamps";
    /// Appends a text to the +OK of STLS, in the same segment.
    InjectBeforeTls(Text) "inject-before-tls" "TEXT";
    /// Sends a text after the +OK of STLS in a segment of its own.
    InjectBeforeTlsSplit(Text) "inject-before-tls-split" "TEXT";
    /// Neither offers nor knows STLS, as if somebody on the way had removed it.
    NoStls "no-stls";
    /// Answers the handshake in TLS 1.1.
    OldTls "old-tls";
    /// Refuses CAPA (Q5).
    NoCapa "no-capa";
    /// Leaves a capability out (Q5).
    HideCapability(Text) "hide-capability" "TAG";
    /// Leaves a capability out before login (Q6).
    HideBeforeLogin(Text) "hide-before-login" "TAG";
    /// Leaves a capability out after login (Q6).
    HideAfterLogin(Text) "hide-after-login" "TAG";

    // Login.
    /// Refuses right credentials with this text, such as `[SYS/TEMP] try later` (Q20).
    RefuseLogin(Text) "refuse-login" "TEXT";
    /// Closes the connection after wrong credentials (Q17).
    CloseOnWrongPassword "close-on-wrong-password";
    /// Keeps the maildrop locked so long after a connection that ended without QUIT (Q20).
    HoldLock(u64) "hold-lock" "MILLIS";
    /// Refuses the next N logins after a connection that ended without QUIT (Q54).
    HoldLockFor(u64) "hold-lock-for" "N";
    /// Lets several sessions have the maildrop at a time.
    NoLock "no-lock";
    /// Refuses AUTH with an initial response of more than so many octets (Q1).
    InitialResponseLimit(u64) "initial-response-limit" "BYTES";
    /// Explains a refused token with this, as OAUTHBEARER and XOAUTH2 do with JSON (Q2).
    OauthExplanation(Text) "oauth-explanation" "TEXT";
    /// Sends an empty challenge without the space (Q4).
    BarePlus "bare-plus";
    /// Sends words in the place of an empty challenge (Q3).
    TextChallenge "text-challenge";
    /// Sends a challenge that never ends.
    EndlessChallenge "endless-challenge";
    /// Offers GSSAPI and cannot do it (Q19).
    UnusableMechanism "unusable-mechanism";

    /// Signs SCRAM's last message wrongly, as a server without the password would.
    ScramWrongSignature "scram-wrong-signature";
    /// Answers in SCRAM with a nonce that is not an extension of the client's.
    ScramForeignNonce "scram-foreign-nonce";
    /// Asks for so many iterations in SCRAM.
    ScramIterations(u64) "scram-iterations" "N";
    /// Offers -PLUS mechanisms but knows only tls-unique, which nobody should use.
    TlsUniqueOnly "tls-unique-only";

    // Answers in general.
    /// Refuses a command.
    Refuse(Keyword) "refuse" "COMMAND";
    /// Closes the connection instead of answering a command (Q24).
    CloseOn(Keyword) "close-on" "COMMAND";
    /// Closes the connection instead of answering a command after login (Q54).
    CloseAfterLogin(Keyword) "close-after-login" "COMMAND";
    /// Falls silent instead of answering a command after login (Q54).
    StallAfterLogin(Keyword) "stall-after-login" "COMMAND";
    /// Closes the connection after so many octets of the lines that answer a command (E18).
    CutInAnswer(InAnswer) "cut-in-answer" "COMMAND:BYTES";
    /// Answers a command with this, which needs its own `\r\n`.
    Answer(Answer) "answer" "COMMAND:TEXT";
    /// Answers a command with a line that never ends.
    EndlessLine(Keyword) "endless-line" "COMMAND";
    /// Answers a command with lines that never end.
    EndlessLines(Keyword) "endless-lines" "COMMAND";
    /// Leaves out the text of +OK and -ERR (Q4).
    NoTexts "no-texts";
    /// Says +ERR for -ERR (Q16).
    PlusErr "plus-err";
    /// Refuses every RETR of message N (Q32).
    ErrOnRetr(u64) "err-on-retr" "N";
    /// Refuses every RETR of message N with this text, such as `[SYS/TEMP] try later` (E16).
    RefuseRetr(Refusal) "refuse-retr" "N:TEXT";
    /// Refuses the first N RETRs of a session with this text (E16).
    RefuseRetrs(Refusal) "refuse-retrs" "N:TEXT";
    /// Refuses every DELE of message N.
    ErrOnDele(u64) "err-on-dele" "N";
    /// Answers DELE with an empty line (Q16).
    EmptyDeleAnswer "empty-dele-answer";
    /// Answers DELE with +OK and deletes nothing (Q43).
    IgnoreDele "ignore-dele";
    /// Obeys the first N DELEs of a session, and answers the others with +OK (E34).
    ObeyDeles(u64) "obey-deles" "N";
    /// Gives the messages behind a deleted one other numbers at once (Q42).
    RenumberAfterDele "renumber-after-dele";
    /// Refuses RETR after so many in the session (Q21).
    Quota(u64) "quota" "N";
    /// Answers QUIT with -ERR and deletes nothing.
    ErrOnQuit "err-on-quit";
    /// Deletes at QUIT but closes the connection without an answer.
    LoseQuitAnswer "lose-quit-answer";
    /// Deletes at QUIT what was retrieved, marked or not (Q22, Q25).
    DeleteRetrieved "delete-retrieved";
    /// Deletes at QUIT what was retrieved since the last RSET (Q25).
    DeleteRetrievedSinceRset "delete-retrieved-since-rset";

    // STAT, LIST and UIDL.
    /// Has no messages, according to STAT, LIST and UIDL.
    EmptyListing "empty-listing";
    /// Shows the first N messages only (Q22).
    FirstOnly(u64) "first-only" "N";
    /// Answers QUIT at once and deletes only when N more sessions have logged in (Q58).
    LateDeletion(u64) "late-deletion" "N";
    /// Lets a client log in and cannot open the maildrop then (Q57).
    UnopenedMaildrop "unopened-maildrop";
    /// Gets its last message between the first two listings, LIST and UIDL, of a session (Q46).
    LateMessage "late-message";
    /// Loses message N to another client after the first STAT, LIST or UIDL (E29).
    VanishingMessage(u64) "vanishing-message" "N";
    /// Leaves message N out of LIST and UIDL (Q14).
    ListingGap(u64) "listing-gap" "N";
    /// Begins LIST and UIDL with a message 0 (Q14).
    NumberZero "number-zero";
    /// Puts additional spaces into the lines of LIST and UIDL (Q14).
    ExtraSpaces "extra-spaces";
    /// Leaves message N out of LIST (E29).
    ListGap(u64) "list-gap" "N";
    /// Leaves message N out of UIDL (E9).
    UidlGap(u64) "uidl-gap" "N";
    /// Shows the first N messages only in LIST (E29).
    ShortList(u64) "short-list" "N";
    /// Shows the first N messages only in UIDL (E29).
    ShortUidl(u64) "short-uidl" "N";
    /// Writes nonsense into the lines of LIST from message N on (E29).
    NonsenseList(u64) "nonsense-list" "N";
    /// Counts N messages more in STAT than there are (Q13).
    StatCountsMore(u64) "stat-counts-more" "N";
    /// Rounds octets up to multiples of 1024 (Q13).
    RoundedOctets "rounded-octets";
    /// Halves octets, as if it counted compressed files (Q13).
    HalvedOctets "halved-octets";
    /// Makes octets negative (Q13).
    NegativeOctets "negative-octets";
    /// Counts an octet more each time that it counts a message, or all of them (Q31).
    GrowingOctets "growing-octets";
    /// Counts N octets more for each message.
    MoreOctets(u64) "more-octets" "N";
    /// Counts a line end as one octet.
    UnixOctets "unix-octets";
    /// Counts lines that it does not send, of a length that varies (Q59).
    HiddenLines "hidden-lines";
    /// Counts octets that have nothing to do with the message.
    MeaninglessOctets "meaningless-octets";
    /// Does not know UIDL.
    NoUidl "no-uidl";
    /// Gives message N no unique-id (Q14).
    UidlWithoutId(u64) "uidl-without-id" "N";
    /// Leaves the number out of the answer to UIDL with an argument (Q14).
    UidlWithoutNumber "uidl-without-number";
    /// Gives the first two messages the same unique-id (Q14).
    DuplicateUidl "duplicate-uidl";
    /// Puts octets above 0x7F into unique-ids (Q14).
    NonAsciiUidl "non-ascii-uidl";
    /// Gives unique-ids of 200 octets (Q14).
    LongUidl "long-uidl";
    /// Gives unique-ids that lead out of a directory.
    PathUidl "path-uidl";
    /// Gives other unique-ids than in other sessions (Q15).
    RegeneratedUidl "regenerated-uidl";
    /// Gives N messages other unique-ids: those that are the first at the first such login (E9).
    ChangedUidl(u64) "changed-uidl" "N";
    /// Gives message numbers as unique-ids (Q45).
    NumericUidl "numeric-uidl";
    /// Gives the unique-id of a deleted message to the next new one (Q45).
    ReusedUidl "reused-uidl";

    // Bodies.
    /// Closes the connection after so many octets of the body of message N.
    CutInBody(InBody) "cut-in-body" "N:BYTES";
    /// The same for the message that has this unique-id, whatever its number (E15).
    CutInBodyOf(InBodyOf) "cut-in-body-of" "UNIQUE-ID:BYTES";
    /// Resets the connection after so many octets of the body of message N.
    ResetInBody(InBody) "reset-in-body" "N:BYTES";
    /// Falls silent after so many octets of the body of message N.
    StallInBody(InBody) "stall-in-body" "N:BYTES";
    /// Breaks the body of message N off after so many octets with -ERR, and goes on (E31).
    ErrInBody(InBody) "err-in-body" "N:BYTES";
    /// Sends the first octets only of message N, with a proper end (Q47).
    ShortBody(InBody) "short-body" "N:BYTES";
    /// Sends the first octets only of every message, with a proper end (Q47).
    ShortBodies(u64) "short-bodies" "BYTES";
    /// Sends an error text as the body of message N (Q47).
    ErrorBody(u64) "error-body" "N";
    /// Sends the body of message M for message N (E5).
    BodyOf(BodyOf) "body-of" "N:M";
    /// Sends the body of the next message, and that of the first for the last (E5).
    NextBody "next-body";
    /// Sends the body of the first message always (E5).
    FirstBody "first-body";
    /// Sends a body without end as message N (E19).
    EndlessBody(u64) "endless-body" "N";
    /// Sends a header without end as that of message N (E19).
    EndlessHeader(u64) "endless-header" "N";
    /// Does not byte-stuff (Q11).
    NoStuffing "no-stuffing";
    /// Byte-stuffs only lines that are a lone dot (Q10).
    StuffLoneDotsOnly "stuff-lone-dots-only";
    /// Glues the final dot to the last line (Q12).
    GluedEnd "glued-end";
    /// Appends a dot between bare LFs to every message (Q9).
    BareLfDot "bare-lf-dot";
    /// Appends NUL, a bare CR, 8-bit and invalid UTF-8 to every message (Q30).
    OddOctets "odd-octets";
    /// Appends a line of so many octets to every message (Q30).
    LongLine(u64) "long-line" "BYTES";
    /// Has folder data of its own as message 1 (Q28).
    FolderData "folder-data";
    /// Mentions folder data in the header of message 1, which is real mail (Q51).
    MentionsFolderData "mentions-folder-data";
    /// Adds `Status: RO` to what an earlier session retrieved, and does not count it (Q44).
    StatusLine "status-line";
    /// Adds `Status: RO` to what an earlier session retrieved, and counts it (Q44).
    CountedStatusLine "counted-status-line";
    /// Puts X-Scanned-At on top, another at each RETR, and does not count it (Q44).
    ScanStamp "scan-stamp";
    /// Puts X-Scanned-At on top, another at each RETR and TOP, and counts it (Q44).
    CountedScanStamp "counted-scan-stamp";
    /// Makes MIME boundaries and text anew at each RETR and TOP (Q53).
    FreshBoundaries "fresh-boundaries";
    /// Does not know TOP.
    NoTop "no-top";
    /// Sends the first line only in answer to TOP (Q23).
    TopOneLine "top-one-line";
    /// Ends the answer to TOP after so many octets (Q23).
    TopTruncated(u64) "top-truncated" "BYTES";
    /// Answers TOP with two +OK lines (Q23).
    TopTwoOk "top-two-ok";
    /// Sends nothing in answer to TOP (Q52).
    TopEmpty "top-empty";
    /// Sends the header in answer to TOP, and no empty line behind it (Q52).
    TopWithoutEnd "top-without-end";
    /// Leaves the header out of the answer to TOP (Q52).
    TopWithoutHeader "top-without-header";
    /// Sends lines without end in answer to TOP (E19).
    TopEndless "top-endless";
    /// Sends another header in answer to TOP than to RETR (Q23).
    TopOtherHeader "top-other-header";
}

/// What a help text says of a misbehaviour.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// How it is asked for.
    pub name: &'static str,
    /// What follows the name and `=`; empty if nothing does.
    pub argument: &'static str,
    description: &'static str,
}

impl Entry {
    /// One line.
    pub fn description(&self) -> &'static str {
        self.description.trim_start()
    }
}

/// The misbehaviours of one session, with what they have to remember.
#[derive(Debug, Default)]
pub(crate) struct Misbehaviours {
    active: Vec<Misbehaviour>,
    course: Course,
}

impl Misbehaviours {
    /// Those of `faults` that concern the session of this number.
    pub(crate) fn of_session(faults: &[Fault], session: u64) -> Self {
        let concerned = faults
            .iter()
            .filter(|fault| fault.sessions.contains(session));
        Self {
            active: concerned.map(|fault| fault.misbehaviour.clone()).collect(),
            course: Course::of_session(session),
        }
    }

    /// The first that `choose` makes something of.
    fn find<'a, T>(&'a self, choose: impl FnMut(&'a Misbehaviour) -> Option<T>) -> Option<T> {
        self.active.iter().find_map(choose)
    }

    fn has(&self, misbehaviour: &Misbehaviour) -> bool {
        self.active.contains(misbehaviour)
    }
}
