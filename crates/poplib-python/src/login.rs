//! Logging in with what Python gives.

use poplib_proto::command::{Login, LoginParameters};
use poplib_proto::sasl::{ChannelBinding, Credentials, Method, Password, Policy, Timestamp};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// The arguments of `auth`, and what the connection adds to them.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct LoginRequest {
    mechanism: Option<String>,
    user: Option<String>,
    password: Option<Vec<u8>>,
    token: Option<String>,
    authzid: Option<String>,
    trace: Option<String>,
    /// Where the token may go, and where the connection goes.
    host: String,
    port: u16,
    welcome: Vec<u8>,
    /// `tls-server-end-point` (RFC 5929), the one binding that Python's ssl lets us know.
    end_point: Option<Vec<u8>>,
    entropy: [u8; 32],
}

impl LoginRequest {
    pub(crate) fn into_login(self) -> PyResult<Login> {
        let method = self.method()?;
        let credentials = self.credentials(method)?;
        let mut policy = Policy::default();
        policy.only = method;
        let timestamp = Timestamp::in_greeting(&self.welcome).ok().flatten();
        let end_point = self.end_point.map(ChannelBinding::TlsServerEndPoint);
        let parameters = LoginParameters {
            host: self.host,
            port: self.port,
            bindings: end_point.into_iter().collect(),
            policy,
            timestamp,
            entropy: self.entropy,
            except: None,
        };
        Ok(Login::new(credentials, parameters))
    }

    fn method(&self) -> PyResult<Option<Method>> {
        let Some(name) = &self.mechanism else {
            return Ok(None);
        };
        match name.parse() {
            Ok(method) => Ok(Some(method)),
            Err(unknown) => Err(PyValueError::new_err(format!("{name:?} is {unknown}"))),
        }
    }

    fn credentials(&self, method: Option<Method>) -> PyResult<Credentials> {
        let authzid = self.authzid.clone();
        match (method, &self.user, &self.password, &self.token) {
            (Some(Method::External), None, None, None) => Ok(Credentials::External { authzid }),
            (Some(Method::Anonymous), None, None, None) => {
                let trace = self.trace.clone().unwrap_or_default();
                Ok(Credentials::anonymous(trace))
            }
            (_, Some(user), Some(password), None) => {
                let mut password = Password::new(user, &**password);
                password.authzid = authzid;
                Ok(Credentials::Password(password))
            }
            (_, Some(user), None, Some(token)) if authzid.is_none() => {
                Ok(Credentials::bearer(user, token.as_str(), &*self.host))
            }
            _ => Err(PyValueError::new_err(
                "auth takes user and password, or user and token; for EXTERNAL neither, \
                 and for ANONYMOUS neither",
            )),
        }
    }
}
