//! The only place that names the TLS libraries.

mod alert;
mod chain;
mod client;
mod closing;
mod diagnosis;
mod expected_message;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod generation;
mod hello;
mod observation;
mod pem;
mod policy;
mod preflight;
mod records;
mod server;
mod tap;

pub use pem::FoundInstead;
pub use policy::{ClientAuth, PolicyError, TlsPolicy, TlsVersions, TrustAnchors};

pub(crate) use client::{ClientHandshake, ClientPolicy, ClientStream};
pub(crate) use generation::Generation;
pub(crate) use server::{Handshake, Stream};
pub(crate) use tap::{LINGER_TIMEOUT, LingeringClose, Tap};

use crate::cause::Cancelled;

/// Why a handshake was ended from our side.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Abort {
    Deadline,
    Cancelled(Cancelled),
}
