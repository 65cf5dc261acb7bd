//! Rules of the design, each broken in turn. The simulation must find every one of them.

/// A rule that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sabotage {
    /// Files under `tmp/` are not made durable before the state names them.
    ContentNotDurable,
    /// Nor are their names.
    TmpNotDurable,
    /// Names in `new/` are not made durable before the state says stored.
    NewNotDurable,
    /// A new Maildir or mbox is not made durable itself.
    PlaceNotDurable,
    /// What was appended to an mbox is not made durable.
    MboxNotDurable,
    /// What was appended in part is not cut off.
    MboxNotCut,
    /// Recovery does not look under `tmp/`.
    TmpIgnored,
    /// Files are renamed, and mboxes appended to, before the state says `storing` for certain.
    StoringLate,
    /// The state says stored before anything is renamed or appended.
    StoredEarly,
    /// Recovery does not finish what is `storing`.
    NotRecovered,
    /// Messages that wait to be fetched are taken for stored, and deleted.
    DeletedBeforeStored,
    /// What a listing lacks is forgotten, even where it is empty.
    ForgottenAtOnce,
    /// Contents are not compared with what was delivered.
    ContentForgotten,
    /// The size of what is about to be deleted is not compared with what was delivered.
    SizeForgotten,
    /// Which copies of a message arrived is not remembered.
    CopiesForgotten,
    /// A session ends by QUIT, whatever is stored, at a server that then deletes what was fetched.
    AlwaysQuit,
    /// DELE goes out for the lowest number first.
    AscendingDeletions,
    /// What shows that a target is the one that it was is not compared with what was seen.
    MarkerForgotten,
    /// A message that came in part is believed from the next session on.
    PartBelieved,
    /// So is one that came in the place of another.
    ExchangeBelieved,
    /// Names under `tmp/` do not tell whose they are. Only two owners of one Maildir show it.
    OwnerForgotten,
    /// What a target lacks that was set back or formatted is not fetched again.
    LackingForgotten,
}

impl Sabotage {
    pub(super) const ALL: [Self; 21] = [
        Self::ContentNotDurable,
        Self::TmpNotDurable,
        Self::NewNotDurable,
        Self::PlaceNotDurable,
        Self::MboxNotDurable,
        Self::MboxNotCut,
        Self::TmpIgnored,
        Self::StoringLate,
        Self::StoredEarly,
        Self::NotRecovered,
        Self::DeletedBeforeStored,
        Self::ForgottenAtOnce,
        Self::ContentForgotten,
        Self::SizeForgotten,
        Self::CopiesForgotten,
        Self::AlwaysQuit,
        Self::AscendingDeletions,
        Self::MarkerForgotten,
        Self::PartBelieved,
        Self::ExchangeBelieved,
        Self::LackingForgotten,
    ];
}
