use std::{
    io::{self, Read, Write},
    path::Path,
};

use crate::{
    Error,
    error::Doing,
    rig::{
        ports::{self, Port},
        prepared::prepared,
        process::Supervised,
    },
};

/// An OAuth 2.0 and OpenID Connect server that this project did not write: PyPI's
/// `oidc-provider-mock`. It gives everyone a token and knows later whose it was.
pub struct OauthServer {
    // Dropped before the port is free again.
    _process: Supervised,
    port: Port,
}

impl OauthServer {
    /// Starts the server and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] where `tests/interop/prepare` has not run; [`Error::NotReady`] with what
    /// the server wrote where it does not start.
    pub fn start() -> Result<Self, Error> {
        let program = prepared("oauth")?.join("bin/oidc-provider-mock");
        let dir = tempfile::Builder::new()
            .prefix("interop-oauth-")
            .tempdir()
            .doing(|| "making the OAuth server's directory".to_owned())?;
        let port = Port::claim()?;
        let number = port.number.to_string();
        let process = Supervised::start(
            dir,
            &[program.as_path(), Path::new("-p"), Path::new(&number)],
        )?;
        let answers = |port| {
            request(port, "GET", "/.well-known/openid-configuration", "")
                .map(|answer| answer.contains("userinfo_endpoint"))
        };
        ports::wait_for(port.number, answers, || process.is_running()).map_err(|why| {
            Error::NotReady {
                server: "the OAuth server",
                why,
                log: process.output(),
            }
        })?;
        Ok(Self {
            _process: process,
            port,
        })
    }

    /// The server's address, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port.number)
    }

    /// An access token of `user`'s, by the authorization code grant (RFC 6749 section 4.1).
    ///
    /// # Errors
    ///
    /// The server answers otherwise than it should.
    pub fn token(&self, user: &str) -> Result<String, Error> {
        const CLIENT: &str = "client_id=interop&redirect_uri=http%3A%2F%2F127.0.0.1%2Fback";
        let port = self.port.number;
        let token = || -> io::Result<String> {
            let grant = request(
                port,
                "POST",
                &format!("/oauth2/authorize?{CLIENT}&response_type=code&scope=openid"),
                &format!("sub={user}"),
            )?;
            let code = between(&grant, "code=", ['&', '\r'])?;
            let tokens = request(
                port,
                "POST",
                "/oauth2/token",
                &format!("{CLIENT}&grant_type=authorization_code&client_secret=any&code={code}"),
            )?;
            let (_, tokens) = tokens
                .split_once("\"access_token\":")
                .ok_or_else(|| unexpected(&tokens))?;
            between(tokens, "\"", ['"', '\r']).map(str::to_owned)
        };
        token().doing(|| format!("asking the OAuth server for {user}'s token"))
    }
}

fn between<'a>(text: &'a str, before: &str, after: [char; 2]) -> io::Result<&'a str> {
    let (_, rest) = text.split_once(before).ok_or_else(|| unexpected(text))?;
    let end = rest.find(after).ok_or_else(|| unexpected(text))?;
    Ok(&rest[..end])
}

fn unexpected(answer: &str) -> io::Error {
    io::Error::other(format!("unexpected answer: {answer}"))
}

/// One HTTP/1.0 request; the answer with its header.
fn request(port: u16, method: &str, target: &str, form: &str) -> io::Result<String> {
    let mut stream = ports::connect(port)?;
    write!(
        stream,
        "{method} {target} HTTP/1.0\r\n\
         Host: 127.0.0.1:{port}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{form}",
        form.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
