//! A set of message numbers.

/// One bit a message, so that a million deletions cost 125 kB.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    words: Vec<u64>,
    count: u64,
}

impl Marks {
    /// Adds a number; `false` if it was there already.
    pub(crate) fn set(&mut self, number: u64) -> bool {
        let (word, bit) = place(number);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.count += u64::from(new);
        new
    }

    pub(crate) fn contains(&self, number: u64) -> bool {
        let (word, bit) = place(number);
        self.words.get(word).is_some_and(|marked| marked & bit != 0)
    }

    /// The numbers in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u64> {
        let words = self.words.iter().zip((0..).step_by(64));
        words.flat_map(|(word, first)| {
            let bits = (0..64).filter(move |bit| *word >> bit & 1 == 1);
            bits.map(move |bit| first + bit)
        })
    }

    pub(crate) fn clear(&mut self) {
        self.words.clear();
        self.count = 0;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }
}

fn place(number: u64) -> (usize, u64) {
    ((number / 64) as usize, 1 << (number % 64))
}
