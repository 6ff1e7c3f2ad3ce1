//! What the floors, the smallest possible servers, have in common: reading their files, listening,
//! and the answer to a request, which is the least that a client accepts.

use socket2::{Domain, Protocol, Socket, Type};
use std::env;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// The longest request, and the most that is read at once.
const MAX_REQUEST: usize = 4096;

/// How many connections the kernel queues for accept: as many as for sipward.
const BACKLOG: i32 = 2048;

/// The certificate and the key in PEM, from the first two files on the command line.
///
/// # Errors
/// When there are fewer than two files, or one cannot be read.
pub fn identity() -> io::Result<[Vec<u8>; 2]> {
    let files: Vec<String> = env::args().skip(1).collect();
    let [certificate, key, ..] = files.as_slice() else {
        return Err(io::Error::other("give CERTIFICATE and KEY, two PEM files"));
    };
    Ok([fs::read(certificate)?, fs::read(key)?])
}

/// Listens on a free port of loopback and prints the address. Accepted sockets inherit TCP_NODELAY.
///
/// # Errors
/// The system's error.
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

/// The requests and answers of one connection.
pub struct RequestReader {
    buffered: Box<[u8; MAX_REQUEST]>,
    filled: usize,
    answers: Vec<u8>,
}

impl Default for RequestReader {
    fn default() -> Self {
        Self {
            buffered: Box::new([0; MAX_REQUEST]),
            filled: 0,
            answers: Vec::new(),
        }
    }
}

impl RequestReader {
    /// The buffer to read into.
    pub fn buffer(&mut self) -> &mut [u8] {
        &mut self.buffered[self.filled..]
    }

    /// Takes the `count` bytes that were read, and returns the answers to send. A request ends at
    /// its first empty line; the requests of the load generator have no bodies.
    pub fn received(&mut self, count: usize) -> &[u8] {
        self.answers.clear();
        let end = self.filled + count;
        let mut begin = 0;
        while let Some(length) = memchr::memmem::find(&self.buffered[begin..end], b"\r\n\r\n") {
            let request = &self.buffered[begin..begin + length];
            answer(request, &mut self.answers);
            begin += length + 4;
        }
        self.buffered.copy_within(begin..end, 0);
        self.filled = end - begin;
        &self.answers
    }
}

/// Appends a 200 with CSeq, the only header field that the load generator needs; to CRLFCRLF, a
/// CRLF.
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

    fn answers_to(reader: &mut RequestReader, arguments: &str) -> String {
        reader.buffer()[..arguments.len()].copy_from_slice(arguments.as_bytes());
        String::from_utf8(reader.received(arguments.len()).to_vec()).unwrap()
    }

    #[test]
    fn every_request_is_answered_with_its_cseq_however_it_is_split() {
        let mut reader = RequestReader::default();
        assert_eq!(answers_to(&mut reader, "OPTIONS sip:a SIP/2.0\r\nCS"), "");
        let both = answers_to(&mut reader, "eq: 7 OPTIONS\r\nX: y\r\n\r\n\r\n\r\n");
        let expected = "SIP/2.0 200 OK\r\nCSeq: 7 OPTIONS\r\nContent-Length: 0\r\n\r\n\r\n";
        assert_eq!(both, expected);
        assert_eq!(reader.buffer().len(), MAX_REQUEST);
    }

    #[test]
    fn a_request_that_is_too_long_leaves_no_room() {
        let mut reader = RequestReader::default();
        assert_eq!(answers_to(&mut reader, &"x".repeat(MAX_REQUEST)), "");
        assert!(reader.buffer().is_empty());
    }
}
