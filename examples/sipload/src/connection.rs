//! One TLS connection over a non-blocking socket, driven by readiness events.

use crate::failure::Failure;
use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use rustls::{ClientConfig, ClientConnection, ServerName};
use sipward::sip::{Frame, Framer, Limits};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;

/// The server to connect to.
#[derive(Clone)]
pub struct Endpoint {
    /// Its address.
    pub address: SocketAddr,
    /// Its name for SNI, against which its certificate is verified.
    pub name: ServerName,
}

/// One connection to the server.
pub struct Connection {
    stream: TcpStream,
    tls: ClientConnection,
    framer: Framer,
    state: ConnectionState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ConnectionState {
    Connecting,
    Handshaking,
    Open,
    Closing,
}

/// What changed at an event, apart from the frames that were received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// Nothing.
    None,
    /// The handshake is complete.
    Opened,
    /// The server has closed its side.
    PeerClosed,
}

/// What a readiness event says of a socket.
#[derive(Clone, Copy, Debug)]
pub struct Readiness {
    readable: bool,
    writable: bool,
    /// The peer has closed its side, or the connection is broken.
    pub read_closed: bool,
}

impl From<&Event> for Readiness {
    fn from(event: &Event) -> Self {
        Self {
            readable: event.is_readable() || event.is_read_closed() || event.is_error(),
            writable: event.is_writable() || event.is_error(),
            read_closed: event.is_read_closed() || event.is_error(),
        }
    }
}

impl Connection {
    /// Starts to connect. Events of the connection have this token.
    ///
    /// # Errors
    /// [`Failure`] when the attempt fails at once.
    pub fn open(
        endpoint: &Endpoint,
        config: &Arc<ClientConfig>,
        registry: &Registry,
        token: Token,
    ) -> Result<Self, Failure> {
        Ok(Self {
            stream: connect(endpoint, registry, token)?,
            tls: ClientConnection::new(Arc::clone(config), endpoint.name.clone())?,
            framer: Framer::new(Limits::default()),
            state: ConnectionState::Connecting,
        })
    }

    /// The local address.
    ///
    /// # Errors
    /// [`Failure::Io`] before it is connected.
    pub fn local_address(&self) -> Result<SocketAddr, Failure> {
        self.stream.local_addr().map_err(io_failure)
    }

    /// Reads and writes as far as the socket allows. The caller then takes the frames by
    /// [`next_frame`](Self::next_frame) until it returns `None`.
    ///
    /// # Errors
    /// [`Failure`], after which the connection cannot be used.
    pub fn advance(&mut self, readiness: Readiness) -> Result<Transition, Failure> {
        if self.state == ConnectionState::Connecting && !self.has_connected(readiness)? {
            return Ok(Transition::None);
        }
        let ended = readiness.readable && self.receive(readiness.read_closed)?;
        self.flush()?;
        if self.state == ConnectionState::Handshaking && !self.tls.is_handshaking() {
            self.state = ConnectionState::Open;
            return Ok(Transition::Opened);
        }
        match (ended, self.state) {
            (false, _) => Ok(Transition::None),
            (true, ConnectionState::Handshaking) => Err(Failure::Tls(
                "the server hung up during the handshake: is it at a limit, for one source perhaps?".to_owned(),
            )),
            (true, _) => Ok(Transition::PeerClosed),
        }
    }

    /// The next frame that the server sent.
    ///
    /// # Errors
    /// [`Failure::Nonsense`] when it is not SIP.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, Failure> {
        match self.framer.next_frame()? {
            None if self.framer.take_pong() => Ok(Some(Frame::Pong)),
            frame => Ok(frame),
        }
    }

    /// Sends these bytes as far as the socket takes them; the rest is sent at later events.
    ///
    /// # Errors
    /// [`Failure::Io`].
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.tls.writer().write_all(bytes).map_err(io_failure)?;
        self.flush()
    }

    /// Sends close_notify and shuts down the sending side. [`Transition::PeerClosed`] follows when
    /// the server does the same.
    ///
    /// # Errors
    /// [`Failure::Io`].
    pub fn close(&mut self) -> Result<(), Failure> {
        self.state = ConnectionState::Closing;
        self.tls.send_close_notify();
        self.flush()?;
        match self.stream.shutdown(Shutdown::Write) {
            Err(error) if error.kind() != io::ErrorKind::NotConnected => Err(io_failure(error)),
            _ => Ok(()),
        }
    }

    fn has_connected(&mut self, readiness: Readiness) -> Result<bool, Failure> {
        if !has_connected(&self.stream, readiness)? {
            return Ok(false);
        }
        self.stream.set_nodelay(true).map_err(io_failure)?;
        self.state = ConnectionState::Handshaking;
        Ok(true)
    }

    /// Reads until the socket is empty; true at the end of the server's stream.
    fn receive(&mut self, read_closed: bool) -> Result<bool, Failure> {
        loop {
            let mut reader = SocketReader {
                stream: &self.stream,
                short: false,
            };
            let count = match self.tls.read_tls(&mut reader) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // The operation was complete before the close, so how the server closes does not
                // matter.
                Err(_) if self.state == ConnectionState::Closing => return Ok(true),
                Err(error) => return Err(io_failure(error)),
            };
            let short = reader.short;
            let received = self.tls.process_new_packets().map_err(|error| {
                // The alert tells the server why; the error is reported anyway.
                let _ = self.tls.write_tls(&mut &self.stream);
                Failure::from(error)
            })?;
            self.push_plaintext(received.plaintext_bytes_to_read())?;
            if count == 0 || received.peer_has_closed() {
                return Ok(true);
            }
            // A short read has emptied the socket, and further bytes cause another event.
            if short && !read_closed {
                return Ok(false);
            }
        }
    }

    fn push_plaintext(&mut self, mut waiting: usize) -> Result<(), Failure> {
        let mut buffer = [0; 2048];
        while waiting > 0 {
            let count = self.tls.reader().read(&mut buffer).map_err(io_failure)?;
            self.framer.push(&buffer[..count]);
            waiting = waiting.saturating_sub(count.max(1));
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        while self.state != ConnectionState::Connecting && self.tls.wants_write() {
            match self.tls.write_tls(&mut &self.stream) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) if self.state == ConnectionState::Closing => break,
                Err(error) => return Err(io_failure(error)),
            }
        }
        Ok(())
    }
}

/// Notes whether a read was short, that is, has emptied the socket.
struct SocketReader<'a> {
    stream: &'a TcpStream,
    short: bool,
}

impl Read for SocketReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (&mut &*self.stream).read(buffer)?;
        self.short = count < buffer.len();
        Ok(count)
    }
}

/// Starts to connect. Events of the socket have this token.
///
/// # Errors
/// [`Failure`] when the attempt fails at once.
pub fn connect(
    endpoint: &Endpoint,
    registry: &Registry,
    token: Token,
) -> Result<TcpStream, Failure> {
    let connecting = |error: io::Error| Failure::connecting(&error);
    let mut stream = TcpStream::connect(endpoint.address).map_err(connecting)?;
    registry
        .register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)
        .map_err(|error| Failure::Io(error.to_string()))?;
    Ok(stream)
}

/// Whether the attempt that [`connect`] started has succeeded.
///
/// # Errors
/// [`Failure`] when the attempt has failed.
pub fn has_connected(stream: &TcpStream, readiness: Readiness) -> Result<bool, Failure> {
    if !readiness.writable {
        return Ok(false);
    }
    if let Ok(Some(error)) | Err(error) = stream.take_error() {
        return Err(Failure::connecting(&error));
    }
    match stream.peer_addr() {
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
        Err(error) => Err(Failure::connecting(&error)),
        Ok(_) => Ok(true),
    }
}

fn io_failure(error: io::Error) -> Failure {
    Failure::Io(error.to_string())
}
