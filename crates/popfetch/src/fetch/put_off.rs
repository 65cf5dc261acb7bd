//! What would keep stored messages from being deleted comes in a session of its own: a message that
//! broke one before, and one that was fetched and is not stored, behind which there is no QUIT.

use super::{Fetcher, Next};
use crate::plan::{Keep, Plan};

impl Fetcher<'_> {
    /// Puts off what failed before, once in a run, if this session is to delete something. A
    /// session that only deletes fetches nothing at all. Whether there is more for another one.
    pub(super) fn put_off(&mut self, plan: &mut Plan, only_deletes: bool) -> bool {
        if only_deletes {
            plan.fetch.clear();
            plan.excerpts.clear();
            return false;
        }
        let is_sound = plan.fetch.iter().any(|fetch| fetch.past.is_none());
        let deletes = !(plan.delete.is_empty() && plan.reject.is_empty())
            || is_sound && self.account.policy.keep == Keep::None;
        if self.put_off || !deletes || plan.fetch.iter().all(|fetch| fetch.past.is_none()) {
            return false;
        }
        plan.fetch.retain(|fetch| fetch.past.is_none());
        self.put_off = true;
        // A server that wants to be left alone for a while has its way: another visit is soon
        // enough.
        self.login_delay.is_none()
    }

    /// What follows a session without QUIT: another one that only deletes, if there is anything to
    /// delete, and then more of the rest if there is any.
    pub(super) fn delete_in_another(&mut self, plan: &Plan, has_more: bool) -> Next {
        let next = match has_more {
            true => Next::Again,
            false => Next::Done,
        };
        if plan.delete.is_empty() && plan.reject.is_empty() || self.login_delay.is_some() {
            return next;
        }
        self.sweep = Some(next);
        Next::Again
    }
}
