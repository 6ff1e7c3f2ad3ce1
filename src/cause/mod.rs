//! Why a connection ended: closed sets of causes, the phase, and whose fault it was.
//!
//! Names are stable: `name()` is what appears in logs, metrics and the event stream.

#[macro_use]
mod table;

mod close;
mod handshake;
mod handshake_table;
mod refusal;
mod server_name;

#[cfg(test)]
mod tests;

pub use close::CloseCause;
pub(crate) use handshake::AlertSent;
pub use handshake::{Cancelled, Plaintext};
pub use handshake_table::HandshakeCause;
pub use refusal::RefusalCause;
pub use server_name::ServerNameDefect;

/// How far a connection had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Outbound: the name was being resolved.
    Resolve,
    /// Outbound: TCP was being connected.
    Connect,
    /// Waiting for a whole ClientHello; outbound, for a whole ServerHello.
    Hello,
    /// Versions, keys and the server's certificate were being agreed.
    Negotiation,
    /// The client had been asked for its certificate: it was waited for, or being verified.
    ClientAuth,
    /// The handshake was over; SIP could flow.
    Established,
}

named! {
    /// The name on the wire, in snake_case.
    Phase {
        Resolve = "resolve",
        Connect = "connect",
        Hello = "hello",
        Negotiation = "negotiation",
        ClientAuth = "client_auth",
        Established = "established",
    }
}

/// Whose doing an ending most likely was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The peer's software, configuration or intent.
    Peer,
    /// Ours: configuration, certificate, or a defect.
    Us,
    /// Most often ours, seen from the peer's reaction to what we sent.
    ProbablyUs,
    /// The two sides have nothing in common; either could change.
    Both,
    /// The peer or the network between: they cannot be told apart from here.
    PeerOrPath,
    /// The network.
    Network,
    /// No fault: the ending was asked for.
    Nobody,
}

named! {
    /// The name on the wire, in snake_case.
    Fault {
        Peer = "peer",
        Us = "us",
        ProbablyUs = "probably_us",
        Both = "both",
        PeerOrPath = "peer_or_path",
        Network = "network",
        Nobody = "nobody",
    }
}
