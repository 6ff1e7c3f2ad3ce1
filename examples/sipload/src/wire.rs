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

/// Whom to dial.
#[derive(Clone)]
pub struct Dial {
    /// The server.
    pub target: SocketAddr,
    /// The name it is asked for by and verified against.
    pub name: ServerName,
}

/// One connection to the server.
pub struct Wire {
    stream: TcpStream,
    tls: ClientConnection,
    framer: Framer,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Connecting,
    Handshaking,
    Open,
    Parting,
}

/// What an event brought about, apart from frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing.
    Nothing,
    /// The handshake is done.
    Open,
    /// The server has ended its half.
    Ended,
}

/// What an event allows.
#[derive(Clone, Copy, Debug)]
pub struct Readiness {
    readable: bool,
    writable: bool,
    /// The peer has ended its half, or all of it.
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

impl Wire {
    /// Begins to connect; events for it come under this token.
    ///
    /// # Errors
    /// [`Failure`] when the kernel refuses at once.
    pub fn open(
        dial: &Dial,
        config: &Arc<ClientConfig>,
        registry: &Registry,
        token: Token,
    ) -> Result<Self, Failure> {
        Ok(Self {
            stream: connect(dial, registry, token)?,
            tls: ClientConnection::new(Arc::clone(config), dial.name.clone())?,
            framer: Framer::new(Limits::default()),
            stage: Stage::Connecting,
        })
    }

    /// Our end of it.
    ///
    /// # Errors
    /// [`Failure::Io`] before it is connected.
    pub fn local(&self) -> Result<SocketAddr, Failure> {
        self.stream.local_addr().map_err(broken)
    }

    /// Does all that the event allows. Afterwards [`next_frame`](Self::next_frame) until `None`.
    ///
    /// # Errors
    /// [`Failure`]; the connection is of no use any more.
    pub fn advance(&mut self, readiness: Readiness) -> Result<News, Failure> {
        if self.stage == Stage::Connecting && !self.has_connected(readiness)? {
            return Ok(News::Nothing);
        }
        let ended = readiness.readable && self.receive(readiness.read_closed)?;
        self.flush()?;
        if self.stage == Stage::Handshaking && !self.tls.is_handshaking() {
            self.stage = Stage::Open;
            return Ok(News::Open);
        }
        match (ended, self.stage) {
            (false, _) => Ok(News::Nothing),
            (true, Stage::Handshaking) => Err(Failure::Tls(
                "the server hung up during the handshake: is it at a limit, for one source perhaps?".to_owned(),
            )),
            (true, _) => Ok(News::Ended),
        }
    }

    /// The next thing the server said.
    ///
    /// # Errors
    /// [`Failure::Nonsense`] when it is no SIP.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, Failure> {
        match self.framer.next_frame()? {
            None if self.framer.take_pong() => Ok(Some(Frame::Pong)),
            frame => Ok(frame),
        }
    }

    /// Says this, as far as the socket takes it; the rest goes with later events.
    ///
    /// # Errors
    /// [`Failure::Io`].
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.tls.writer().write_all(bytes).map_err(broken)?;
        self.flush()
    }

    /// Says close_notify and ends our half. [`News::Ended`] follows when the server does the same.
    ///
    /// # Errors
    /// [`Failure::Io`].
    pub fn part(&mut self) -> Result<(), Failure> {
        self.stage = Stage::Parting;
        self.tls.send_close_notify();
        self.flush()?;
        match self.stream.shutdown(Shutdown::Write) {
            Err(error) if error.kind() != io::ErrorKind::NotConnected => Err(broken(error)),
            _ => Ok(()),
        }
    }

    fn has_connected(&mut self, readiness: Readiness) -> Result<bool, Failure> {
        if !has_connected(&self.stream, readiness)? {
            return Ok(false);
        }
        self.stream.set_nodelay(true).map_err(broken)?;
        self.stage = Stage::Handshaking;
        Ok(true)
    }

    /// Reads all there is; true at the server's end of stream.
    fn receive(&mut self, read_closed: bool) -> Result<bool, Failure> {
        loop {
            let mut gulp = Gulp {
                stream: &self.stream,
                short: false,
            };
            let count = match self.tls.read_tls(&mut gulp) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // The handshake was judged already; how roughly the server parts is its affair.
                Err(_) if self.stage == Stage::Parting => return Ok(true),
                Err(error) => return Err(broken(error)),
            };
            let short = gulp.short;
            let heard = self.tls.process_new_packets().map_err(|error| {
                // The server deserves the alert that says why.
                let _ = self.tls.write_tls(&mut &self.stream);
                Failure::from(error)
            })?;
            self.frame(heard.plaintext_bytes_to_read())?;
            if count == 0 || heard.peer_has_closed() {
                return Ok(true);
            }
            // A short read has emptied the socket; the next bytes make an event of their own.
            if short && !read_closed {
                return Ok(false);
            }
        }
    }

    fn frame(&mut self, mut waiting: usize) -> Result<(), Failure> {
        let mut piece = [0; 2048];
        while waiting > 0 {
            let count = self.tls.reader().read(&mut piece).map_err(broken)?;
            self.framer.push(&piece[..count]);
            waiting = waiting.saturating_sub(count.max(1));
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        while self.stage != Stage::Connecting && self.tls.wants_write() {
            match self.tls.write_tls(&mut &self.stream) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) if self.stage == Stage::Parting => break,
                Err(error) => return Err(broken(error)),
            }
        }
        Ok(())
    }
}

/// Tells whether a read left the socket empty.
struct Gulp<'a> {
    stream: &'a TcpStream,
    short: bool,
}

impl Read for Gulp<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (&mut &*self.stream).read(buffer)?;
        self.short = count < buffer.len();
        Ok(count)
    }
}

/// Begins to connect; events for it come under this token.
///
/// # Errors
/// [`Failure`] when the kernel refuses at once.
pub fn connect(dial: &Dial, registry: &Registry, token: Token) -> Result<TcpStream, Failure> {
    let connecting = |error: io::Error| Failure::connecting(&error);
    let mut stream = TcpStream::connect(dial.target).map_err(connecting)?;
    registry
        .register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)
        .map_err(|error| Failure::Io(error.to_string()))?;
    Ok(stream)
}

/// Whether what [`connect`] began is done.
///
/// # Errors
/// [`Failure`]: it came to nothing.
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

fn broken(error: io::Error) -> Failure {
    Failure::Io(error.to_string())
}
