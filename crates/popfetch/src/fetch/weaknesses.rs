//! What the server may not be able to bear: what earlier runs have seen, and what this one sees
//! (Q7, Q23, Q24, Q54).

use std::sync::Arc;

use super::{Fetcher, blocking};
use crate::deliver::Delivery;
use crate::failure::Failure;
use crate::state::Quirks;

impl Fetcher<'_> {
    /// Takes what earlier runs have seen.
    pub(super) async fn recall(&mut self, delivery: &Arc<Delivery>) -> Result<Quirks, Failure> {
        let delivery = Arc::clone(delivery);
        let facts = blocking(move || Ok(delivery.store.facts(delivery.account)?)).await?;
        self.config = self.config.clone().with_quirks(facts.quirks.known);
        self.top.set(facts.quirks.top);
        self.shown.is_untrusted.set(facts.quirks.top_untrusted);
        self.without_top.set(facts.quirks.top.is_avoided_next());
        Ok(facts.quirks)
    }

    /// Gives to later runs what this one has seen, a mere suspicion, too: nothing may come of the
    /// next session either, unless it does without. `is_through`: the last session came to its end.
    pub(super) async fn keep_in_mind(
        &self,
        known: Quirks,
        is_through: bool,
        delivery: &Arc<Delivery>,
    ) -> Result<(), Failure> {
        if is_through && self.without_top.get() {
            let mut top = self.top.get();
            top.passed_without();
            self.top.set(top);
        }
        let (server, top) = (self.config.quirks(), self.top.get());
        if (server, top) == (known.known, known.top) {
            return Ok(());
        }
        let delivery = Arc::clone(delivery);
        blocking(move || {
            let mut facts = delivery.store.facts(delivery.account)?;
            (facts.quirks.known, facts.quirks.top) = (server, top);
            Ok(delivery.store.learn(delivery.account, &facts)?)
        })
        .await
    }

    /// Lets later runs know that TOP shows something else than RETR brings (Q52).
    pub(super) async fn keep_distrust_in_mind(
        &self,
        known: Quirks,
        delivery: &Arc<Delivery>,
    ) -> Result<(), Failure> {
        if self.shown.is_untrusted.get() == known.top_untrusted {
            return Ok(());
        }
        let delivery = Arc::clone(delivery);
        blocking(move || {
            let mut facts = delivery.store.facts(delivery.account)?;
            facts.quirks.top_untrusted = true;
            Ok(delivery.store.learn(delivery.account, &facts)?)
        })
        .await
    }

    /// Whether this session is to do without TOP.
    pub(super) fn avoids_top(&self) -> bool {
        self.without_top.get()
    }

    /// TOP broke the session, or something else where others were on their way with it.
    pub(super) fn top_broke(&self, is_pipelined: bool) {
        if is_pipelined {
            return;
        }
        self.without_top.set(true);
        let mut top = self.top.get();
        top.broke();
        self.top.set(top);
    }

    pub(super) fn top_worked(&self) {
        let mut top = self.top.get();
        top.worked();
        self.top.set(top);
    }
}
