//! One good client: a connection, a registration that lasts, and OPTIONS.

use crate::accounts::Account;
use crate::failure::Failure;
use crate::names::Names;
use crate::place::{DOMAIN, GOOD, PATIENCE, Place, broken};
use crate::registration::Registration;
use crate::sip::{Reply, Request};
use rustls::{ClientConnection, StreamOwned};
use sipward::sip::{Frame, Framer, Limits, Message};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

/// A client that is registered, or about to be.
pub struct Phone {
    names: Names,
    registration: Registration,
    cseq: u32,
    line: Option<Line>,
}

struct Line {
    stream: StreamOwned<ClientConnection, TcpStream>,
    framer: Framer,
    local: String,
}

impl Phone {
    /// Not connected yet.
    pub fn new(account: Account, names: Names) -> Self {
        Self {
            registration: Registration::new(account, names.clone(), 0),
            names,
            cseq: 0,
            line: None,
        }
    }

    /// Whether there is a connection.
    pub fn is_connected(&self) -> bool {
        self.line.is_some()
    }

    /// Whether the server has said goodbye: between an answer and the next request it says nothing
    /// else.
    pub fn was_left(&self) -> bool {
        self.line.as_ref().is_some_and(|line| {
            let socket = &line.stream.sock;
            let waits = socket.set_nonblocking(true).is_ok() && socket.peek(&mut [0]).is_ok();
            let _ = socket.set_nonblocking(false);
            waits
        })
    }

    /// Connects and registers.
    ///
    /// # Errors
    /// [`Failure`]; it is not connected then.
    pub fn arrive(&mut self, place: &Place) -> Result<(), Failure> {
        self.line = None;
        let stream = place.shake(GOOD)?;
        let local = stream.sock.local_addr().map_err(broken)?;
        self.registration.moved_to(local);
        self.line = Some(Line {
            stream,
            framer: Framer::new(Limits::default()),
            local: local.to_string(),
        });
        self.register()
    }

    /// Registers, or registers again.
    ///
    /// # Errors
    /// [`Failure`]; it is not connected then.
    pub fn register(&mut self) -> Result<(), Failure> {
        let mut out = Vec::new();
        self.registration.ask(&mut out);
        self.converse(out, |phone, message, out| {
            phone.registration.heard(message, out)
        })
    }

    /// Asks the server what it can do.
    ///
    /// # Errors
    /// [`Failure`]; it is not connected then.
    pub fn options(&mut self) -> Result<(), Failure> {
        let Some(line) = &self.line else {
            return Err(Failure::Closed);
        };
        self.cseq += 1;
        let request = Request {
            method: "OPTIONS",
            uri: format_args!("sip:{DOMAIN}"),
            local: &line.local,
            branch: self.names.branch(),
            from: format_args!("<sip:siege@{DOMAIN}>;tag={}", self.names.tag()),
            to: format_args!("<sip:{DOMAIN}>"),
            call_id: format_args!("{}", self.names.call_id(1)),
            cseq: self.cseq,
        };
        let mut out = Vec::new();
        request.write(&mut out, format_args!(""), "");
        self.converse(out, |phone, message, _| {
            match Reply::to("OPTIONS", phone.cseq, message) {
                Some(reply) if reply.is_final() => reply.success("OPTIONS").map(|()| true),
                _ => Ok(false),
            }
        })
    }

    /// Says goodbye, as TLS wants it.
    pub fn hang_up(&mut self) {
        if let Some(mut line) = self.line.take() {
            line.stream.conn.send_close_notify();
            // Who has gone needs no goodbye.
            let _ = line.stream.flush();
        }
    }

    /// Says this and listens until `heard` has what it wanted; it may have more to say.
    fn converse(
        &mut self,
        mut out: Vec<u8>,
        mut heard: impl FnMut(&mut Self, &Message, &mut Vec<u8>) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        let Some(mut line) = self.line.take() else {
            return Err(Failure::Closed);
        };
        let until = Instant::now() + PATIENCE;
        loop {
            if !out.is_empty() {
                line.stream.write_all(&out).map_err(broken)?;
                out.clear();
            }
            let message = line.hear()?;
            if heard(self, &message, &mut out)? {
                self.line = Some(line);
                return Ok(());
            }
            if Instant::now() > until {
                return Err(Failure::Timeout);
            }
        }
    }
}

impl Line {
    fn hear(&mut self) -> Result<Message, Failure> {
        loop {
            while let Some(frame) = self.framer.next_frame()? {
                if let Frame::Message(message) = frame {
                    return Ok(message);
                }
            }
            let room = self.framer.spare(4096);
            let count = self.stream.read(room);
            self.framer.filled(*count.as_ref().unwrap_or(&0));
            if count.map_err(broken)? == 0 {
                return Err(Failure::Closed);
            }
        }
    }
}
