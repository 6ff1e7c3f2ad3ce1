//! What the smallest servers have in common: the files they are given, the socket they listen on, and
//! what they answer, which is as little as a client can take for an answer.

use socket2::{Domain, Protocol, Socket, Type};
use std::env;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// The longest request, and what is read at once.
const ROOM: usize = 4096;

/// Connections the kernel holds that have not been accepted yet: as many as sipward's.
const BACKLOG: i32 = 2048;

/// The certificate and the key in PEM, from the first two files the command line names.
///
/// # Errors
/// When there are none, or one cannot be read.
pub fn identity() -> io::Result<[Vec<u8>; 2]> {
    let files: Vec<String> = env::args().skip(1).collect();
    let [certificate, key, ..] = files.as_slice() else {
        return Err(io::Error::other("give CERTIFICATE and KEY, two PEM files"));
    };
    Ok([fs::read(certificate)?, fs::read(key)?])
}

/// Listens on a free port of loopback and prints which. Accepted sockets inherit that they send at
/// once.
///
/// # Errors
/// The system's.
pub fn listen() -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(BACKLOG)?;
    let listener = TcpListener::from(socket);
    println!("{}", listener.local_addr()?);
    Ok(listener)
}

/// One connection's requests and their answers.
pub struct Conversation {
    heard: Box<[u8; ROOM]>,
    filled: usize,
    answers: Vec<u8>,
}

impl Default for Conversation {
    fn default() -> Self {
        Self {
            heard: Box::new([0; ROOM]),
            filled: 0,
            answers: Vec::new(),
        }
    }
}

impl Conversation {
    /// Where to read to.
    pub fn room(&mut self) -> &mut [u8] {
        &mut self.heard[self.filled..]
    }

    /// So much was read: what is to be said to it. A request ends at its first empty line; it has no
    /// body, or its body answers for itself.
    pub fn heard(&mut self, count: usize) -> &[u8] {
        self.answers.clear();
        let end = self.filled + count;
        let mut begin = 0;
        while let Some(length) = memchr::memmem::find(&self.heard[begin..end], b"\r\n\r\n") {
            let request = &self.heard[begin..begin + length];
            answer(request, &mut self.answers);
            begin += length + 4;
        }
        self.heard.copy_within(begin..end, 0);
        self.filled = end - begin;
        &self.answers
    }
}

/// 200 with the only header a client cannot do without, or CRLF to CRLFCRLF.
pub fn answer(request: &[u8], answers: &mut Vec<u8>) {
    if request.is_empty() {
        answers.extend_from_slice(b"\r\n");
        return;
    }
    let Some(at) = memchr::memmem::find(request, b"\r\nCSeq:") else {
        return;
    };
    let line = &request[at..];
    let end = memchr::memmem::find(&line[2..], b"\r\n").map_or(line.len(), |end| end + 2);
    answers.extend_from_slice(b"SIP/2.0 200 OK");
    answers.extend_from_slice(&line[..end]);
    answers.extend_from_slice(b"\r\nContent-Length: 0\r\n\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(conversation: &mut Conversation, words: &str) -> String {
        conversation.room()[..words.len()].copy_from_slice(words.as_bytes());
        String::from_utf8(conversation.heard(words.len()).to_vec()).unwrap()
    }

    #[test]
    fn every_request_is_answered_by_its_number_however_it_is_cut() {
        let mut conversation = Conversation::default();
        assert_eq!(said(&mut conversation, "OPTIONS sip:a SIP/2.0\r\nCS"), "");
        let both = said(&mut conversation, "eq: 7 OPTIONS\r\nX: y\r\n\r\n\r\n\r\n");
        let expected = "SIP/2.0 200 OK\r\nCSeq: 7 OPTIONS\r\nContent-Length: 0\r\n\r\n\r\n";
        assert_eq!(both, expected);
        assert_eq!(conversation.room().len(), ROOM);
    }

    #[test]
    fn a_request_that_is_too_long_leaves_no_room() {
        let mut conversation = Conversation::default();
        assert_eq!(said(&mut conversation, &"x".repeat(ROOM)), "");
        assert!(conversation.room().is_empty());
    }
}
