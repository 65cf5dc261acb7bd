//! As much of HTTP/1.1 (RFC 9112) as a scrape needs: one GET for each connection, with bounds on
//! all that the other side decides.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task;
use tokio::time::{sleep, timeout};

use super::Ledger;
use super::text::MEDIA_TYPE;
use crate::failure::{Failure, Status};
use crate::report::{Event, Report};

/// How long a connection may take, from its beginning to its end.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long a request's head may be.
const HEAD: usize = 8 * 1024;
/// How many connections are served at once. Others wait to be accepted.
const CONNECTIONS: usize = 16;

/// Takes the address, before anything else is begun.
///
/// # Errors
/// When somebody has it already, or it is none of this machine's.
pub(crate) fn listen(address: SocketAddr) -> Result<StdListener, Failure> {
    StdListener::bind(address).map_err(|error| cannot(&error).hint("choose another --metrics ADDR"))
}

/// Answers scrapes for as long as the runtime lives.
///
/// # Errors
/// When the system cannot watch the listener.
pub(crate) fn serve(listener: StdListener, ledger: Arc<Ledger>) -> Result<(), Failure> {
    let listener = (listener.set_nonblocking(true))
        .and_then(|()| TcpListener::from_std(listener))
        .map_err(|error| cannot(&error))?;
    let address = listener.local_addr().map_err(|error| cannot(&error))?;
    ledger.report("", Event::Metrics { address });
    task::spawn_local(accept(listener, ledger));
    Ok(())
}

fn cannot(error: &io::Error) -> Failure {
    let message = format!("could not offer metrics: {error}");
    Failure::new(Status::Configuration, message)
}

async fn accept(listener: TcpListener, ledger: Arc<Ledger>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    // The semaphore is never closed.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file handles, or the like: it passes.
            sleep(Duration::from_secs(1)).await;
            continue;
        };
        let ledger = Arc::clone(&ledger);
        task::spawn_local(async move {
            // Whoever takes too long or hangs up has nobody else to blame.
            let _ = timeout(DEADLINE, answer(stream, &ledger)).await;
            drop(place);
        });
    }
}

async fn answer(mut stream: TcpStream, ledger: &Ledger) -> io::Result<()> {
    let Some(head) = read_head(&mut stream).await? else {
        return Ok(());
    };
    stream.write_all(respond(&head, ledger).as_bytes()).await?;
    stream.shutdown().await?;
    // Closing with octets unread would reset the connection, and perhaps undo the answer.
    let mut rest = [0; 1024];
    for _ in 0..HEAD / rest.len() {
        if stream.read(&mut rest).await? == 0 {
            break;
        }
    }
    Ok(())
}

/// Reads up to the empty line. `None` if the other side hangs up before; as much as may be read,
/// if there is none.
async fn read_head(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut head = Vec::with_capacity(1024);
    while memmem::find(&head, b"\r\n\r\n").is_none() && head.len() < HEAD {
        let room = HEAD - head.len();
        if (&mut *stream).take(room as u64).read_buf(&mut head).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(head))
}

/// The whole response to a request with this head.
fn respond(head: &[u8], ledger: &Ledger) -> String {
    let line = head
        .split(|&octet| octet == b'\r')
        .next()
        .unwrap_or_default();
    let mut words = line.split(|&octet| octet == b' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    let is_http = version.is_some_and(|version| version.starts_with(b"HTTP/1."));
    let whole = memmem::find(head, b"\r\n\r\n").is_some();
    if !whole || !is_http || words.next().is_some() {
        return response(
            "400 Bad Request",
            "",
            "text/plain",
            "not a request of HTTP/1.1\n",
            true,
        );
    }
    let path = target.and_then(|target| target.split(|&octet| octet == b'?').next());
    match (method, path) {
        (_, path) if path != Some(b"/metrics") => response(
            "404 Not Found",
            "",
            "text/plain",
            "there is only /metrics\n",
            true,
        ),
        (Some(method @ (b"GET" | b"HEAD")), _) => {
            let body = ledger.exposition();
            response("200 OK", "", MEDIA_TYPE, &body, method == b"GET")
        }
        _ => {
            let allow = "Allow: GET, HEAD\r\n";
            response(
                "405 Method Not Allowed",
                allow,
                "text/plain",
                "GET, please\n",
                true,
            )
        }
    }
}

fn response(status: &str, fields: &str, media_type: &str, body: &str, with_body: bool) -> String {
    let octets = body.len();
    let body = if with_body { body } else { "" };
    format!(
        "HTTP/1.1 {status}\r\n{fields}Content-Type: {media_type}\r\nContent-Length: {octets}\r\n\
         Connection: close\r\n\r\n{body}"
    )
}
