//! CRAM-MD5 (RFC 2195).

use super::{Context, Exchange, Step};
use crate::digest;

#[derive(Default)]
pub(super) struct CramMd5 {
    challenge: Option<String>,
}

impl Exchange for CramMd5 {
    fn step(&mut self, response: Option<&[u8]>, context: &Context<'_>) -> Step {
        match (response, &self.challenge) {
            (None, _) => {
                let challenge = format!("<{}@localhost>", super::nonce());
                self.challenge = Some(challenge.clone());
                Step::Challenge(challenge.into_bytes())
            }
            (Some(_), None) => Step::Failed("in CRAM-MD5 the server speaks first"),
            (Some(response), Some(challenge)) => {
                // The name may contain spaces, the digest cannot.
                let Some(space) = response.iter().rposition(|octet| *octet == b' ') else {
                    return Step::Failed("CRAM-MD5 needs a name and a digest");
                };
                let (user, given) = (&response[..space], &response[space + 1..]);
                let account = context.find(user).filter(|account| {
                    let expected = digest::hmac_md5(account.password(), challenge.as_bytes());
                    digest::hex(&expected).as_bytes() == given
                });
                Step::Done(account)
            }
        }
    }
}
