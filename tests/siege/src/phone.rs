//! One control client: a connection, a registration, and OPTIONS requests.

use crate::accounts::Account;
use crate::failure::Failure;
use crate::identifiers::Identifiers;
use crate::registration::Registration;
use crate::sip::{Reply, Request};
use crate::target::{CONTROL_CLIENT_ADDRESS, DOMAIN, IO_TIMEOUT, Target, io_failure};
use rustls::{ClientConnection, StreamOwned};
use sipward::sip::{Frame, Framer, Limits, Message};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

/// One control client, connected or not.
pub struct Phone {
    ids: Identifiers,
    registration: Registration,
    cseq: u32,
    connection: Option<Connection>,
}

struct Connection {
    stream: StreamOwned<ClientConnection, TcpStream>,
    framer: Framer,
    local: String,
}

impl Phone {
    /// A client that is not connected.
    pub fn new(account: Account, ids: Identifiers) -> Self {
        Self {
            registration: Registration::new(account, ids.clone(), 0),
            ids,
            cseq: 0,
            connection: None,
        }
    }

    /// Whether it has a connection.
    pub fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Whether the server has closed the connection. To be called between an answer and the next
    /// request, when the server sends nothing else.
    pub fn is_closed_by_peer(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| {
            let socket = &connection.stream.sock;
            let waits = socket.set_nonblocking(true).is_ok() && socket.peek(&mut [0]).is_ok();
            let _ = socket.set_nonblocking(false);
            waits
        })
    }

    /// Connects and registers.
    ///
    /// # Errors
    /// [`Failure`], after which it is not connected.
    pub fn connect(&mut self, target: &Target) -> Result<(), Failure> {
        self.connection = None;
        let stream = target.handshake(CONTROL_CLIENT_ADDRESS)?;
        let local = stream.sock.local_addr().map_err(io_failure)?;
        self.registration.set_local(local);
        self.connection = Some(Connection {
            stream,
            framer: Framer::new(Limits::default()),
            local: local.to_string(),
        });
        self.register()
    }

    /// Registers, or refreshes the registration.
    ///
    /// # Errors
    /// [`Failure`], after which it is not connected.
    pub fn register(&mut self) -> Result<(), Failure> {
        let mut out = Vec::new();
        self.registration.write_request(&mut out);
        self.exchange(out, |phone, message, out| {
            phone.registration.receive(message, out)
        })
    }

    /// Sends OPTIONS to the server.
    ///
    /// # Errors
    /// [`Failure`], after which it is not connected.
    pub fn options(&mut self) -> Result<(), Failure> {
        let Some(connection) = &self.connection else {
            return Err(Failure::Closed);
        };
        self.cseq += 1;
        let request = Request {
            method: "OPTIONS",
            uri: format_args!("sip:{DOMAIN}"),
            local: &connection.local,
            branch: self.ids.branch(),
            from: format_args!("<sip:siege@{DOMAIN}>;tag={}", self.ids.tag()),
            to: format_args!("<sip:{DOMAIN}>"),
            call_id: format_args!("{}", self.ids.call_id(1)),
            cseq: self.cseq,
        };
        let mut out = Vec::new();
        request.write(&mut out, format_args!(""), "");
        self.exchange(out, |phone, message, _| {
            match Reply::to("OPTIONS", phone.cseq, message) {
                Some(reply) if reply.is_final() => reply.success("OPTIONS").map(|()| true),
                _ => Ok(false),
            }
        })
    }

    /// Closes the connection with close_notify.
    pub fn disconnect(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            connection.stream.conn.send_close_notify();
            // If the server has closed already, it needs no close_notify.
            let _ = connection.stream.flush();
        }
    }

    /// Sends `out` and passes what the server sends to `receive` until that returns true. What
    /// `receive` writes to its last argument is sent as well.
    fn exchange(
        &mut self,
        mut out: Vec<u8>,
        mut receive: impl FnMut(&mut Self, &Message, &mut Vec<u8>) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        let Some(mut connection) = self.connection.take() else {
            return Err(Failure::Closed);
        };
        let until = Instant::now() + IO_TIMEOUT;
        loop {
            if !out.is_empty() {
                connection.stream.write_all(&out).map_err(io_failure)?;
                out.clear();
            }
            let message = connection.receive()?;
            if receive(self, &message, &mut out)? {
                self.connection = Some(connection);
                return Ok(());
            }
            if Instant::now() > until {
                return Err(Failure::Timeout);
            }
        }
    }
}

impl Connection {
    fn receive(&mut self) -> Result<Message, Failure> {
        loop {
            while let Some(frame) = self.framer.next_frame()? {
                if let Frame::Message(message) = frame {
                    return Ok(message);
                }
            }
            let room = self.framer.spare(4096);
            let count = self.stream.read(room);
            self.framer.filled(*count.as_ref().unwrap_or(&0));
            if count.map_err(io_failure)? == 0 {
                return Err(Failure::Closed);
            }
        }
    }
}
