//! A supervisor on loopback whose log is kept, and the clients it meets.

use super::{Books, capture};
use crate::peer::{Authority, tcp};
use async_std::task::block_on;
use rustls::{AlertDescription, ClientConfig, ClientConnection, Error, ServerName};
use sipward::testing::Recorder;
use sipward::{
    Application, Builder, Deadlines, EventKind, Handle, LogObserver, Supervisor, TlsPolicy,
};
use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

/// A deadline that is waited for.
pub const SHORT: Duration = Duration::from_millis(400);

/// One that must not pass before a client has said its part.
pub const AMPLE: Duration = Duration::from_secs(1);

pub struct Scene {
    pub authority: Authority,
    pub handle: Handle,
    pub events: Recorder,
    lines_before: usize,
}

/// What a client saw of us at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// An alert of this name.
    Alert(String),
    /// close_notify.
    Goodbye,
    /// The end of the stream and nothing before it.
    Fin,
    /// RST.
    Reset,
    /// It was gone before we were, or did not look.
    NotThere,
}

impl Scene {
    pub fn new<A: Application>(
        application: A,
        policy: impl FnOnce(&Authority) -> TlsPolicy,
        choose: impl FnOnce(Builder<A>, &mut Deadlines) -> Builder<A>,
    ) -> Self {
        let lines_before = capture::start();
        let authority = Authority::new();
        let (events, observer) = Recorder::new();
        let builder = Supervisor::builder(policy(&authority))
            .listen("127.0.0.1:0")
            .without_log()
            .observer(LogObserver::default())
            .observer(observer)
            .application(application);
        let mut deadlines = Deadlines::default();
        let builder = choose(builder, &mut deadlines).deadlines(deadlines);
        let handle = block_on(builder.start()).unwrap();
        Self {
            authority,
            handle,
            events,
            lines_before,
        }
    }

    pub fn tcp(&self) -> TcpStream {
        tcp(self.handle.listeners()[0])
    }

    /// The line of this kind in the log of this scene.
    #[track_caller]
    pub fn line(&self, kind: EventKind) -> String {
        let headline = format!(" {}: ", kind.name());
        let listener = format!(" listener={} ", self.handle.listeners()[0]);
        capture::line(self.lines_before, &[&headline, &listener])
    }

    /// Ends the supervisor: what its books say.
    pub fn books(&self) -> Books {
        let report = block_on(self.handle.shutdown(Duration::ZERO));
        let events = block_on(crate::peer::in_time(self.events.rest()));
        Books { report, events }
    }

    pub fn wait_for(&self, kind: EventKind) {
        block_on(crate::peer::in_time(self.events.next_of(kind)));
    }
}

/// Says this and listens to the end.
pub fn say(mut socket: TcpStream, bytes: &[u8]) -> Heard {
    socket.write_all(bytes).unwrap();
    listen(socket)
}

/// Listens to the end: the last alert in clear, or how it ended.
pub fn listen(mut socket: TcpStream) -> Heard {
    let mut bytes = Vec::new();
    let ended = socket.read_to_end(&mut bytes);
    let mut heard = match ended.map_err(|error| error.kind()) {
        Ok(_) => Heard::Fin,
        Err(ErrorKind::ConnectionReset) => Heard::Reset,
        Err(other) => panic!("{other}"),
    };
    let mut rest = &bytes[..];
    while let [kind, _, _, high, low, after @ ..] = rest {
        let (body, after) = after.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        if let (21, [2, code]) = (kind, body) {
            heard = Heard::alert(AlertDescription::from(*code));
        }
        rest = after;
    }
    heard
}

/// A client in the middle of its handshake.
pub struct Client {
    pub tls: ClientConnection,
    pub socket: TcpStream,
}

impl Client {
    pub fn new(scene: &Scene, config: impl Into<Arc<ClientConfig>>, name: &str) -> Self {
        let name = ServerName::try_from(name).unwrap();
        Self {
            tls: ClientConnection::new(config.into(), name).unwrap(),
            socket: scene.tcp(),
        }
    }

    /// Shakes hands and goes on to the end, saying nothing of its own: what it heard.
    pub fn finish(mut self) -> Heard {
        loop {
            while self.tls.wants_write() {
                if self.tls.write_tls(&mut self.socket).is_err() {
                    return Heard::Reset;
                }
            }
            match self.tls.read_tls(&mut self.socket) {
                Ok(0) => return Heard::Fin,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Heard::Reset,
                Err(error) => panic!("{error}"),
            }
            match self.tls.process_new_packets() {
                Ok(state) if state.peer_has_closed() => return Heard::Goodbye,
                Ok(_) => {}
                Err(Error::AlertReceived(alert)) => return Heard::alert(alert),
                Err(_) => {
                    // Its alert, and then what is left of ours.
                    while self.tls.wants_write() {
                        self.tls.write_tls(&mut self.socket).unwrap();
                    }
                    return listen(self.socket);
                }
            }
        }
    }

    /// Says its hello and hears the beginning of our answer, without acting on it. All of the answer
    /// leaves us at once.
    pub fn hear_answer(&mut self) {
        self.tls.write_tls(&mut self.socket).unwrap();
        self.hear_record();
    }

    /// Says its hello and hears our whole answer: what it would say next.
    pub fn last_flight(&mut self) -> Vec<u8> {
        self.tls.write_tls(&mut self.socket).unwrap();
        while self.tls.is_handshaking() {
            self.tls.read_tls(&mut self.socket).unwrap();
            self.tls.process_new_packets().unwrap();
        }
        let mut flight = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut flight).unwrap();
        }
        flight
    }

    /// One TLS record as it is on the wire.
    pub fn hear_record(&mut self) -> Vec<u8> {
        let mut record = vec![0; 5];
        self.socket.read_exact(&mut record).unwrap();
        let length = u16::from_be_bytes([record[3], record[4]]);
        record.resize(5 + usize::from(length), 0);
        self.socket.read_exact(&mut record[5..]).unwrap();
        record
    }

    pub fn shake_hands(&mut self) {
        while self.tls.is_handshaking() {
            self.tls.complete_io(&mut self.socket).unwrap();
        }
    }

    /// Waits for anything.
    pub fn hear(&mut self) {
        while self.tls.reader().read(&mut [0; 1024]).is_err() {
            self.tls.complete_io(&mut self.socket).unwrap();
        }
    }

    pub fn send(&mut self, text: &str) {
        self.tls.writer().write_all(text.as_bytes()).unwrap();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut self.socket).unwrap();
        }
    }
}

impl Heard {
    fn alert(alert: AlertDescription) -> Self {
        // The names of the registry are the words of the variants.
        let mut name = String::new();
        let words = format!("{alert:?}").replace("CA", "Ca");
        // One variant has British spelling.
        for letter in words.replace("ised", "ized").chars() {
            if letter.is_uppercase() && !name.is_empty() {
                name.push('_');
            }
            name.push(letter.to_ascii_lowercase());
        }
        Self::Alert(name)
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alert(name) => write!(f, "`{name}`"),
            Self::Goodbye => f.write_str("`close_notify`"),
            Self::Fin => f.write_str("FIN, no alert"),
            Self::Reset => f.write_str("RST"),
            Self::NotThere => f.write_str("nothing: it was gone"),
        }
    }
}
