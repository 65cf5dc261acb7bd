//! Errors in words. An error of the library says nothing that its source says, so both are shown.

use std::error::Error;

use poplib::{Chain, TlsError, TlsErrorKind};

/// All that an error and its sources say, in one line.
pub(crate) fn all(error: &(dyn Error + 'static)) -> String {
    let of_poplib = || error.downcast_ref::<poplib::Error>()?.tls();
    let tls = error.downcast_ref::<TlsError>().or_else(of_poplib);
    match tls {
        Some(tls) if says_all(tls.kind()) => error.to_string(),
        _ => Chain(error).to_string(),
    }
}

/// Whether it is clear without the words of rustls, which say the same again.
fn says_all(kind: &TlsErrorKind) -> bool {
    use TlsErrorKind as K;
    matches!(
        kind,
        K::UnknownIssuer
            | K::BadSignature
            | K::WrongName { .. }
            | K::OutOfDate
            | K::PinMismatch { .. }
            | K::NotTls
            | K::BadName(_)
    )
}

#[cfg(test)]
mod tests {
    use std::io;

    use poplib::Phase;

    use super::*;

    #[test]
    fn what_began_it_is_told_unless_all_is_said() {
        let error = poplib::Error::Io {
            phase: Phase::Body,
            source: io::Error::other("the cable is out"),
        };
        assert_eq!(all(&error), "reading a message failed: the cable is out");
        let refused = TlsError::new(TlsErrorKind::NoAuthority, "there is none");
        assert_eq!(
            all(&refused),
            "the certificate authorities cannot be used: there is none"
        );
        let again = TlsError::new(TlsErrorKind::OutOfDate, "Expired");
        assert_eq!(all(&again), "the server's certificate is out of date");
        assert_eq!(all(&poplib::Error::from(again.clone())), all(&again));
    }
}
