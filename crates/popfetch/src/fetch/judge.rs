//! What the messages of a session say together: which of them are believed, what they teach of
//! LIST's numbers, and which of them may go now.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::deletion::Keys;
use super::messages::Fetched;
use super::prepare::told_by;
use super::{Fetcher, blocking};
use crate::deliver::{Delivery, Stored};
use crate::evidence::{Arrived, Same, Standing, Whole};
use crate::failure::{Failure, Status};
use crate::key::{Key, KeyList, KeyRef};
use crate::plan::{Keep, Listing, Plan, Removal};
use crate::report::{Event, count};
use crate::sizes::Sizes;
use crate::state::{Change, Doubt, Ignored};

/// What came of it.
pub(super) struct Judged {
    /// What was fetched and may go.
    pub(super) removals: Vec<Removal>,
    /// The server gave other messages than those that were asked for.
    pub(super) is_shifted: bool,
    /// How many messages that came are doubted.
    pub(super) doubted: usize,
    /// The server ignores deletions, as has just been noticed.
    pub(super) ignores_deletion: bool,
    /// How many were doubted and are believed now.
    pub(super) cleared: usize,
    /// How many stay on the server because something about them is not known.
    pub(super) held_back: usize,
}

/// What the state is to learn of a session that is over.
#[derive(Default)]
struct Lesson {
    /// Messages whose doubts changed.
    doubts: Vec<(Key, Option<Doubt>)>,
    /// What is known of LIST's numbers now.
    sizes: Option<Sizes>,
    /// The server was found to ignore deletions.
    ignores_deletion: bool,
    /// Positions of messages that are the same, whatever LIST tells of them now.
    listed: Vec<u32>,
    /// Rows of messages that are not on the server any more, under no key.
    gone: KeyList,
    unseen: KeyList,
    forget: KeyList,
}

impl Fetcher<'_> {
    /// Judges what was fetched, and remembers that.
    ///
    /// # Errors
    /// Those of the state. What is not judged stays doubted, and is fetched again.
    pub(super) async fn judge(
        &mut self,
        fetched: &Fetched,
        listing: &Arc<Listing>,
        plan: &Plan,
        delivery: &Arc<Delivery>,
    ) -> Result<Judged, Failure> {
        let stored = &fetched.stored;
        let keys = Keys::new(listing, &stored.named);
        let is_broken = fetched.session.is_none() && !fetched.is_withheld;
        let verdicts = match is_broken {
            true => stored.arrivals.put_off(),
            false => stored.arrivals.judge(&**listing, plan.sizes, &plan.samples),
        };
        let mut judged = Judged {
            removals: Vec::new(),
            is_shifted: verdicts.is_shifted,
            doubted: 0,
            cleared: 0,
            ignores_deletion: is_ignored(plan, stored),
            held_back: plan.held_back(),
        };
        let (mut lesson, mut doubted) = (Lesson::default(), BTreeSet::new());
        for (message, doubt) in &verdicts.doubts {
            let Some(key) = keys.of(message.position) else {
                continue;
            };
            let is_news = message.standing == Standing::New;
            if let Some(doubt) = doubt {
                doubted.insert(message.position);
                self.doubted.insert(key.to_key());
                judged.doubted += 1;
                self.tell_doubt(*doubt, message, key, listing);
            } else {
                judged.cleared += usize::from(!is_news);
            }
            if message.standing != Standing::Believed {
                lesson.doubts.push((key.to_key(), *doubt));
            }
        }
        lesson.sizes = verdicts.sizes;
        self.sizes = lesson.sizes.unwrap_or(self.sizes);
        if judged.ignores_deletion {
            let messages = plan.lingering.len();
            judged.held_back += messages;
            lesson.ignores_deletion = true;
            let failure = &ignored(messages as u64);
            self.event(Event::Warning { failure });
        }
        if self.judge_sample(plan, stored) {
            lesson.listed.clone_from(&plan.resized);
        }
        if fetched.session.is_some() && fetched.failure.is_none() {
            lesson.settle(plan, stored);
        }
        lesson.teach(listing, delivery).await?;
        judged.held_back += doubted.len();
        judged.held_back += count_left(plan, stored, &doubted);
        let whole =
            (stored.positions.iter().copied()).filter(|position| !doubted.contains(position));
        judged.removals = self.removals(whole, plan, &keys);
        Ok(judged)
    }

    fn tell_doubt(&self, doubt: Doubt, message: &Arrived, key: KeyRef<'_>, listing: &Listing) {
        self.event(Event::HeldBack {
            number: listing.number(message.position),
            identity: key.identity,
            why: &doubt.describe(message.received.octets, message.received.listed),
            next: "it is fetched again next time",
            is_news: message.standing == Standing::New,
        });
    }

    /// What was fetched, is believed, and may go by the policy.
    fn removals(&self, whole: impl Iterator<Item = u32>, plan: &Plan, keys: &Keys) -> Vec<Removal> {
        let same = Same::fetched_in_this_session();
        let removal = |position: u32| match self.account.policy.keep {
            Keep::None => Some(Removal {
                position,
                same,
                whole: Whole::without(None)?,
            }),
            _ => {
                let key = keys.of(position)?;
                plan.contents
                    .removal(position, &key.identity.content()?, key.occurrence)
            }
        };
        whole.filter_map(removal).collect()
    }

    /// Whether those that were fetched for many had their old content, if any were.
    fn judge_sample(&mut self, plan: &Plan, stored: &Stored) -> bool {
        if plan.resized.is_empty() {
            return false;
        }
        let is_old = |&position: &u32| stored.is_the_same(position);
        let is_new = |position: &u32| stored.positions.contains(position) && !is_old(position);
        // Where one is another message, those that were not fetched may be, too.
        self.trusts_sample = !plan.sampled.iter().any(is_new);
        plan.sampled.iter().all(is_old)
    }
}

impl Lesson {
    /// Everything that was asked for has come: what did not come under any key is not there.
    fn settle(&mut self, plan: &Plan, stored: &Stored) {
        if plan.finds_new() {
            let gone = plan.vanished.left(&plan.gone);
            gone.for_each(|key| self.gone.push(key));
            let forget = plan.vanished.left(&plan.forget);
            forget.for_each(|key| self.forget.push(key));
        }
        if plan.count.nameless > 0 {
            let (gone, unseen) = (&mut self.gone, &mut self.unseen);
            (plan.contents).missing(&stored.named, &plan.vanished, gone, unseen);
        }
    }

    async fn teach(self, listing: &Arc<Listing>, delivery: &Arc<Delivery>) -> Result<(), Failure> {
        let (listing, delivery) = (Arc::clone(listing), Arc::clone(delivery));
        blocking(move || {
            let (store, account) = (&delivery.store, delivery.account);
            if self.sizes.is_some() || self.ignores_deletion {
                let now = delivery.clock.now();
                let mut facts = store.facts(account)?;
                facts.quirks.sizes = self.sizes.unwrap_or(facts.quirks.sizes);
                if self.ignores_deletion {
                    facts.quirks.ignores_deletion = Ignored::after(None, 1, 0, now);
                }
                store.learn(account, &facts)?;
            }
            let doubts = self.doubts.iter().map(|(key, doubt)| Change::Judged {
                key: key.as_ref(),
                doubt: *doubt,
            });
            let listed = self.listed.iter();
            let listed = listed.filter_map(|&position| told_by(&listing, position));
            let gone = self.gone.iter().map(|key| Change::Gone { key });
            let unseen = self.unseen.iter().map(|key| Change::Unseen { key });
            let forget = self.forget.iter().map(|key| Change::Forget { key });
            let changes = doubts.chain(listed).chain(gone).chain(unseen).chain(forget);
            let mut changes = changes.peekable();
            if changes.peek().is_some() {
                store.apply(account, delivery.clock.now(), &mut changes)?;
            }
            Ok(())
        })
        .await
    }
}

/// Whether a message that the server has confirmed to have deleted, some time ago, is there and is
/// the same, while it deleted no other.
fn is_ignored(plan: &Plan, stored: &Stored) -> bool {
    let is_same = |&position: &u32| stored.is_the_same(position);
    plan.obeyed == 0 && plan.lingering.iter().any(is_same)
}

/// The server confirmed deletions and shows the messages still (Q43).
fn ignored(messages: u64) -> Failure {
    let message = format!(
        "the server confirmed that it deleted {}, and shows them still",
        count(messages)
    );
    Failure::new(Status::Temporary, message).hint(
        "they are stored and are not fetched again; popfetch tries to delete one a day; ask those \
         who run the server",
    )
}

/// How many messages were doubted before and still are, those left out that are doubted anew.
fn count_left(plan: &Plan, stored: &Stored, doubted: &BTreeSet<u32>) -> usize {
    if plan.doubted.is_empty() {
        return 0;
    }
    let came: BTreeSet<&u32> = stored.positions.iter().collect();
    let before = plan.doubted.iter();
    before
        .filter(|position| !came.contains(position) && !doubted.contains(position))
        .count()
}
