//! SIP-over-TLS sessions kept by actors: no connection can end unaccounted for.
//!
//! An application embeds a [`Supervisor`]. It listens, performs every TLS handshake, hands whole SIP
//! messages to the application, and accounts for every connection from its first moment to its
//! last: each accepted connection ends in exactly one of `Refused`, `HandshakeFailed` and `Ready`,
//! and each `Ready` in exactly one `Closed`, with the cause, whose fault it was, and the evidence.
//!
//! ```no_run
//! use sipward::{Application, Flow, Ready, SipSession, Supervisor, TlsPolicy, sip::Message};
//!
//! struct Router;
//! struct Conversation {
//!     flow: Flow,
//! }
//!
//! impl Application for Router {
//!     type Session = Conversation;
//!     fn open(&self, _ready: &Ready, flow: Flow) -> Conversation {
//!         Conversation { flow }
//!     }
//! }
//!
//! impl SipSession for Conversation {
//!     async fn message(&mut self, message: Message) {
//!         println!("{:?} on {:?}", message.method(), self.flow);
//!     }
//! }
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let sipward = Supervisor::builder(TlsPolicy::from_pem_files("server.crt", "server.key")?)
//!     .listen("0.0.0.0:5061")
//!     .application(Router)
//!     .start()
//!     .await?;
//! sipward.wait().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What an embedder uses, in reading order
//!
//! - [`Supervisor::builder`] and [`Builder`]: what to listen on, with which limits and deadlines.
//! - [`Threads`]: what connections run on.
//! - [`TlsPolicy`]: certificates, versions, client authentication.
//! - [`Application`] and [`SipSession`]: what the application implements; [`Flow`]: what it holds of
//!   a session; [`sip`]: messages and how they are cut out of the stream.
//! - [`Handle`]: what it steers with; [`control`]: the messages behind that, for xtra users.
//! - [`Connector`]: connecting to others as a TLS client, outside a supervisor.
//! - [`Event`]: everything that happens, the only source of logs and metrics; [`Observer`] and
//!   [`Subscription`]: how to get it.
//! - [`HandshakeCause`], [`CloseCause`], [`RefusalCause`]: the closed sets of reasons.
//!
//! # Crates in the interface
//!
//! [`bytes`], [`ipnet`], [`log`] and [`xtra`] are re-exported, so that code can name their types in the
//! versions used here: [`bytes::Bytes`] of messages, [`ipnet::IpNet`] of networks, [`log::LevelFilter`] of
//! log lines, [`xtra::Address`] of the supervisor. [`Subscription`] implements `futures_core::Stream`,
//! [`Connected`] the traits of `futures-io`.

#![warn(unreachable_pub, clippy::unwrap_used)]

#[macro_use]
mod named;

mod admission;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod bench;
mod builder;
mod cause;
mod clock;
mod connection;
mod connector;
pub mod control;
mod deadline;
mod event;
mod executor;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod observe;
mod panic;
mod session;
pub mod sip;
mod supervisor;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod tls;
mod transport;

pub use admission::{AdmissionLimits, Ban, BanRule, Rate};
pub use builder::{Builder, ListenAddress};
pub use cause::{
    Cancelled, CloseCause, Fault, HandshakeCause, Phase, Plaintext, RefusalCause, ServerNameDefect,
};
pub use connection::{
    Alert, AlertDirection, Certificate, Connection, ConnectionId, ConnectionStats, Counts,
    Direction, Evidence, ExpectedMessage, HandshakeFailure, NotACertificate, Tls,
};
pub use connector::{ConnectFailed, Connected, Connector};
pub use control::{Handle, Stopped};
pub use deadline::Deadlines;
pub use event::{Closed, Event, EventKind, HandshakeFailed, LimitsSet, Ready, Refused};
pub use executor::Threads;
pub use named::UnknownName;
pub use observe::{EventFilter, LogObserver, Observer, Subscription};
pub use session::{Application, Busy, Discard, Flow, KeepOpen, SendError, SipSession};
pub use supervisor::{StartError, Supervisor};
pub use tls::{ClientAuth, FoundInstead, PolicyError, TlsPolicy, TlsVersions, TrustAnchors};
pub use transport::ProxyProtocol;

// The crates whose types stand in the public interface, in the versions that stand there.
pub use {bytes, ipnet, log, xtra};
