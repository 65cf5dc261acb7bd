//! STLS, dropped at every poll of the upgrade and its handshake.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;

use poplib::Tls;
use poplib::tokio::Client;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream, duplex,
};
use tokio_rustls::TlsAcceptor;

use super::{is_over, poll};
use crate::support::in_memory;

/// A server's TLS, and a client's trust in it.
fn tls() -> (TlsAcceptor, Tls) {
    let names = ["pop.example.org".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .unwrap();
    let trust = Tls::with_authorities(cert.pem().as_bytes()).unwrap();
    (TlsAcceptor::from(Arc::new(config)), trust)
}

/// Answers each line with itself, and STLS with TLS.
async fn serve(mut stream: DuplexStream, acceptor: TlsAcceptor) {
    stream.write_all(b"+OK\r\n").await.unwrap();
    let mut stream = BufReader::new(stream);
    if echo(&mut stream).await {
        assert!(stream.buffer().is_empty());
        if let Ok(tls) = acceptor.accept(stream.into_inner()).await {
            echo(&mut BufReader::new(tls)).await;
        }
    }
}

/// Until the end, or until STLS, which gives `true`.
async fn echo<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>) -> bool {
    let mut line = String::new();
    while stream
        .read_line(&mut line)
        .await
        .is_ok_and(|octets| octets > 0)
    {
        let answer = format!("+OK {line}");
        if stream.write_all(answer.as_bytes()).await.is_err() || stream.flush().await.is_err() {
            return false;
        }
        if line == "STLS\r\n" {
            return true;
        }
        line.clear();
    }
    false
}

/// A server that goes on whenever its client is polled.
struct Server(Option<Pin<Box<dyn Future<Output = ()>>>>);

impl Server {
    async fn beside<F: Future>(&mut self, client: F) -> F::Output {
        let mut client = pin!(client);
        poll_fn(|context| {
            if let Some(server) = &mut self.0
                && server.as_mut().poll(context).is_ready()
            {
                self.0 = None;
            }
            client.as_mut().poll(context)
        })
        .await
    }
}

#[tokio::test]
async fn stls() {
    let (acceptor, trust) = tls();
    let config = in_memory().with_tls(trust);
    let mut over = 0;
    for polls in 0.. {
        // Few octets fit in between, so that the handshake takes many polls.
        let (near, far) = duplex(64);
        let mut server = Server(Some(Box::pin(serve(far, acceptor.clone()))));
        let connecting = server.beside(Client::from_stream(near, &config));
        let mut client = connecting.await.unwrap();
        let outcome = poll(polls, server.beside(client.stls()));
        match server.beside(client.custom("XONE")).await {
            Ok(reply) => {
                assert_eq!(reply.text(), b"XONE", "{polls}");
                assert_eq!(client.tls().is_some(), outcome.is_some());
            }
            Err(error) => {
                assert!(is_over(&error), "{polls}: {error:?}");
                assert!(client.tls().is_none() && outcome.is_none());
                over += 1;
            }
        }
        if let Some(outcome) = outcome {
            outcome.unwrap();
            break;
        }
    }
    assert!(over > 10, "{over}");
}
