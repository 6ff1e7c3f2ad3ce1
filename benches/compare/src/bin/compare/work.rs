//! The servers that are measured, and the kinds of work.

use serde::{Deserialize, Serialize};

/// A server that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Server {
    /// The softswitch of this checkout with its default options.
    Sipward,
    /// The softswitch with one thread for everything.
    OneThread,
    /// The softswitch with one thread for handshakes and one for sessions.
    TwoThreads,
    /// The softswitch with two threads for everything.
    TwoAlike,
    /// The floor's answers on sipward's sessions.
    Unwatched,
    /// The same while a snapshot and all sessions are requested ten times a second.
    Watched,
    /// The smallest possible server on the same stack.
    FloorAsyncStd,
    /// The smallest possible server on tokio.
    FloorTokio,
    /// Debian's Kamailio with one worker.
    Kamailio,
    /// Debian's nginx, stream module.
    Nginx,
    /// Debian's HAProxy.
    Haproxy,
}

/// One kind of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Work {
    /// Full handshakes.
    Handshake,
    /// Resumed handshakes.
    Resume,
    /// OPTIONS answered 200, over 50 connections.
    Options,
    /// CRLFCRLF answered CRLF.
    Ping,
    /// REGISTER refreshes.
    Register,
    /// REGISTER refreshes with digest.
    RegisterDigest,
    /// Whole calls through the proxy.
    Call,
    /// Memory of a registered session.
    Idle,
    /// Memory of a connection that says nothing.
    HalfOpen,
    /// Latency of OPTIONS at a tenth of Kamailio's best rate.
    Latency,
    /// The same during 200 handshakes per second.
    LatencyBeside,
}

/// What is measured of a kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Server CPU time per operation, in µs.
    Cpu,
    /// Server memory per connection, in bytes.
    Bytes,
    /// The 99th percentile of latency, in µs.
    P99,
}

/// The columns of the table, in order.
pub const SERVERS: [Server; 6] = [
    Server::Sipward,
    Server::FloorAsyncStd,
    Server::FloorTokio,
    Server::Kamailio,
    Server::Nginx,
    Server::Haproxy,
];

/// The rows of the table, in the order in which they are measured: the rate for latency follows
/// from the result of OPTIONS.
pub const WORKS: [Work; 11] = [
    Work::Handshake,
    Work::Resume,
    Work::Options,
    Work::Ping,
    Work::Register,
    Work::RegisterDigest,
    Work::Call,
    Work::Idle,
    Work::HalfOpen,
    Work::Latency,
    Work::LatencyBeside,
];

impl Server {
    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sipward => "sipward",
            Self::OneThread => "sipward, 1 thread",
            Self::TwoThreads => "sipward, 1+1 threads",
            Self::TwoAlike => "sipward, 2 threads alike",
            Self::Unwatched => "sipward, unwatched",
            Self::Watched => "sipward, watched",
            Self::FloorAsyncStd => "floor (async-std)",
            Self::FloorTokio => "floor (tokio)",
            Self::Kamailio => "Kamailio",
            Self::Nginx => "nginx",
            Self::Haproxy => "HAProxy",
        }
    }
}

impl Work {
    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Handshake => "full handshake",
            Self::Resume => "resumed handshake",
            Self::Options => "OPTIONS → 200",
            Self::Ping => "CRLF ping",
            Self::Register => "REGISTER refresh",
            Self::RegisterDigest => "REGISTER refresh, digest",
            Self::Call => "call through the proxy",
            Self::Idle => "idle registered session",
            Self::HalfOpen => "half-open connection",
            Self::Latency => "OPTIONS p99, a tenth of the rate",
            Self::LatencyBeside => "the same, 200 handshakes/s beside",
        }
    }

    /// What is measured of it.
    pub const fn figure(self) -> Figure {
        match self {
            Self::Idle | Self::HalfOpen => Figure::Bytes,
            Self::Latency | Self::LatencyBeside => Figure::P99,
            _ => Figure::Cpu,
        }
    }

    /// The servers that can do it. nginx and HAProxy only terminate TLS, the floors only give a
    /// fixed answer.
    pub fn servers(self) -> Vec<Server> {
        use Server::{FloorAsyncStd, FloorTokio, Haproxy, Kamailio, Nginx, Sipward};
        let sip = [Sipward, FloorAsyncStd, FloorTokio, Kamailio];
        let mut servers = match self {
            Self::Handshake | Self::Resume | Self::HalfOpen => {
                [&sip[..], &[Nginx, Haproxy]].concat()
            }
            Self::Options | Self::Ping | Self::Idle | Self::Latency | Self::LatencyBeside => {
                sip.to_vec()
            }
            Self::Register | Self::RegisterDigest | Self::Call => vec![Sipward, Kamailio],
        };
        if matches!(self, Self::Handshake | Self::Options | Self::Call) {
            servers.extend([Server::OneThread, Server::TwoThreads, Server::TwoAlike]);
        }
        servers
    }
}

impl Figure {
    /// Its unit.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Cpu => "CPU µs",
            Self::Bytes => "bytes",
            Self::P99 => "µs",
        }
    }
}
