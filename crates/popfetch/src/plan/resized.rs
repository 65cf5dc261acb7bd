//! Messages of which LIST tells another size than before, under the same unique-id.
//!
//! One such message may be another one, and is fetched and compared. Where most of a maildrop has
//! changed so, the server counts otherwise than before, or has written into its messages: then
//! some are fetched, and if all of them have their old content, the new sizes are remembered for
//! all.

use super::Fetch;

/// So many are fetched for all.
const SAMPLE: usize = 10;

/// Messages whose sizes were compared.
#[derive(Debug, Default)]
pub(super) struct Resized {
    compared: usize,
    /// Those that were delivered, so that their content can be compared.
    delivered: Vec<Fetch>,
    /// Those that were not. What is fetched of them is new, if it is another message.
    others: Vec<Fetch>,
}

impl Resized {
    /// LIST tells the size that it told before.
    pub(super) fn same(&mut self) {
        self.compared += 1;
    }

    pub(super) fn delivered(&mut self, fetch: Fetch) {
        self.compared += 1;
        self.delivered.push(fetch);
    }

    pub(super) fn other(&mut self, fetch: Fetch) {
        self.compared += 1;
        self.others.push(fetch);
    }

    /// Those to fetch, and the positions of those that these stand for. All are fetched where a
    /// sample is not trusted.
    pub(super) fn split(mut self, trusts_sample: bool) -> (Vec<Fetch>, Vec<u32>) {
        let changed = self.delivered.len() + self.others.len();
        let is_most = changed > SAMPLE && 2 * changed > self.compared;
        if !trusts_sample || !is_most || self.delivered.is_empty() {
            self.delivered.append(&mut self.others);
            return (self.delivered, Vec::new());
        }
        let all = self.delivered.len();
        let every = all.div_ceil(SAMPLE);
        let (mut sample, mut rest) = (Vec::new(), Vec::new());
        for (index, fetch) in self.delivered.into_iter().enumerate() {
            match index % every {
                0 => sample.push(fetch),
                _ => rest.push(fetch.position),
            }
        }
        rest.extend(self.others.iter().map(|fetch| fetch.position));
        rest.sort_unstable();
        (sample, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resized(same: usize, delivered: u32, others: u32) -> Resized {
        let mut resized = Resized::default();
        (0..same).for_each(|_| resized.same());
        (0..delivered).for_each(|position| resized.delivered(Fetch::new(position)));
        (0..others).for_each(|position| resized.other(Fetch::new(delivered + position)));
        resized
    }

    #[test]
    fn e06_where_most_sizes_have_changed_ten_messages_are_fetched_for_all() {
        for (same, delivered, others, fetched, waiting) in [
            (100, 3, 0, 3, 0),
            (0, 10, 0, 10, 0),
            (0, 11, 0, 6, 5),
            (40, 100, 0, 10, 90),
            (100, 100, 0, 100, 0),
            (0, 100, 7, 10, 97),
            // Without any content to compare there is no sample.
            (0, 0, 50, 50, 0),
        ] {
            let (sample, rest) = resized(same, delivered, others).split(true);
            assert_eq!(
                (sample.len(), rest.len()),
                (fetched, waiting),
                "{delivered} {others}"
            );
            let (sample, rest) = resized(same, delivered, others).split(false);
            assert_eq!(
                (sample.len(), rest.len()),
                ((delivered + others) as usize, 0)
            );
        }
    }
}
