//! Words and numbers of response lines.

/// The words of a line, however many spaces part them.
pub(crate) fn words(line: &[u8]) -> Words<'_> {
    Words(line)
}

/// What is left of a line.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Words<'a>(&'a [u8]);

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.0.trim_ascii_start();
        let end = rest.iter().position(u8::is_ascii_whitespace);
        let (word, rest) = rest.split_at(end.unwrap_or(rest.len()));
        self.0 = rest;
        (!word.is_empty()).then_some(word)
    }
}

/// A number of digits only; `None` where it has a sign or does not fit.
pub(crate) fn number<N: TryFrom<u64>>(word: &[u8]) -> Option<N> {
    let (first, rest) = word.split_first()?;
    let mut number = digit(*first)?;
    for &octet in rest {
        number = number.checked_mul(10)?.checked_add(digit(octet)?)?;
    }
    N::try_from(number).ok()
}

/// The number that a text begins with, and what is behind its digits.
pub(crate) fn leading_number<N: TryFrom<u64>>(text: &[u8]) -> Option<(N, &[u8])> {
    let (first, mut rest) = text.split_first()?;
    let mut number = digit(*first)?;
    while let Some((octet, behind)) = rest.split_first()
        && let Some(digit) = digit(*octet)
    {
        number = number.checked_mul(10)?.checked_add(digit)?;
        rest = behind;
    }
    Some((N::try_from(number).ok()?, rest))
}

fn digit(octet: u8) -> Option<u64> {
    octet.is_ascii_digit().then(|| u64::from(octet - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits() {
        assert_eq!(number::<u32>(b"007"), Some(7));
        assert_eq!(number::<u64>(b"18446744073709551615"), Some(u64::MAX));
        for odd in ["", "-1", "+1", "1k", "4294967296"] {
            assert_eq!(number::<u32>(odd.as_bytes()), None, "{odd}");
        }
    }

    #[test]
    fn words_are_parted_by_spaces() {
        assert!(words(b" one\ttwo  three ").eq([&b"one"[..], b"two", b"three"]));
        assert!(words(b"").eq([b""; 0]));
    }

    #[test]
    fn a08_a_megabyte_of_digits_is_one_pass() {
        let digits = alloc::vec![b'9'; 1 << 20];
        assert_eq!(number::<u64>(&digits), None);
        let spaces = alloc::vec![b' '; 1 << 20];
        assert_eq!(words(&spaces).count(), 0);
    }
}
