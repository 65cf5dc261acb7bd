//! USER, PASS, APOP and AUTH.

use super::Misbehaviours;
use crate::response::Response;

impl Misbehaviours {
    /// The answer to right credentials that do not help.
    pub(crate) fn refuses_login(&self) -> Option<Response> {
        None
    }

    pub(crate) fn challenge(&self, challenge: Response) -> Response {
        challenge
    }

    /// Whether QUIT deletes what was retrieved.
    pub(crate) fn deletes_retrieved(&self) -> bool {
        false
    }
}
