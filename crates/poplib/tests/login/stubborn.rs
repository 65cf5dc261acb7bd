//! A server that reads nothing while it writes, through the smallest buffers there are.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

use socket2::SockRef;

/// Octets of a message, line ends included.
pub(crate) const OCTETS: usize = 600;

/// Serves one session with a maildrop of so many messages, all alike. Every answer is written to
/// its end before another command is read, and both sides' buffers have 4 KiB.
pub(crate) fn server(messages: u32) -> TcpStream {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    small(&listener);
    let client = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    SockRef::from(&client).set_send_buffer_size(4096).unwrap();
    SockRef::from(&client).set_recv_buffer_size(4096).unwrap();
    client.connect(&address.into()).unwrap();
    client.set_tcp_nodelay(true).unwrap();
    let (stream, _) = listener.accept().unwrap();
    stream.set_nodelay(true).unwrap();
    thread::spawn(move || serve(&stream, messages));
    client.into()
}

fn small(listener: &TcpListener) {
    let listener = SockRef::from(listener);
    listener.set_send_buffer_size(4096).unwrap();
    listener.set_recv_buffer_size(4096).unwrap();
}

fn serve(mut stream: &TcpStream, messages: u32) {
    // Not more than this is ever taken from the socket before it must be answered.
    let mut lines = BufReader::with_capacity(16, stream);
    let message = format!("{}\r\n", "x".repeat(58)).repeat(OCTETS / 60);
    let mut line = String::new();
    stream.write_all(b"+OK ready\r\n").unwrap();
    while lines.read_line(&mut line).is_ok_and(|octets| octets > 0) {
        let answer = match line.trim_end().split(' ').next().unwrap() {
            "CAPA" => "+OK\r\nPIPELINING\r\nUSER\r\n.\r\n".to_owned(),
            "STAT" => format!("+OK {messages} {}\r\n", OCTETS * messages as usize),
            "RETR" => format!("+OK\r\n{message}.\r\n"),
            _ => format!("+OK {line}"),
        };
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
        line.clear();
    }
}
