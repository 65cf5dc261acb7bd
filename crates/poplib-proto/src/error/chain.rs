//! An error with everything behind it, for people.

use core::error::Error;
use core::fmt;

/// Shows an error and its sources in one line, from the outermost to what began it.
///
/// The errors of this crate say each thing once: the text of one does not hold that of its source.
/// So `{error}` alone may leave out what began it, and this shows it, as `{error:#}` of the crate
/// `anyhow` does.
///
/// ```
/// use poplib_proto::error::Chain;
/// use poplib_proto::{Error, Misuse};
///
/// let error = Error::Poisoned(Box::new(Misuse::AnswerGone.into()));
/// assert_eq!(
///     Chain(&error).to_string(),
///     "the connection was given up after an earlier error: \
///      the answer that was asked for has been read or skipped already"
/// );
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(source) = next {
            write!(f, ": {source}")?;
            next = source.source();
        }
        Ok(())
    }
}
