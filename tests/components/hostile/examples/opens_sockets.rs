//! Connects to a port of this machine, listens on another, sends a datagram
//! and looks a name up.

use std::io::Write;
use std::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};

use hostile::Outcome;

fn call(arguments: &str) -> Outcome {
    let port = u16::try_from(hostile::number(arguments)).unwrap_or(0);
    let mut found = Vec::new();
    let stream = TcpStream::connect(("127.0.0.1", port));
    if stream.is_ok_and(|mut stream| stream.write_all(b"secret").is_ok()) {
        found.push("connected".to_owned());
    }
    if TcpListener::bind(("127.0.0.1", 0)).is_ok() {
        found.push("listening".to_owned());
    }
    let socket = UdpSocket::bind(("127.0.0.1", 0));
    if socket.is_ok_and(|socket| socket.send_to(b"secret", ("127.0.0.1", port)).is_ok()) {
        found.push("sent".to_owned());
    }
    if ("localhost", port).to_socket_addrs().is_ok() {
        found.push("looked up".to_owned());
    }
    hostile::found(&found)
}

hostile::attack!(call);
