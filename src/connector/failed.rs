//! Why there is no connection.

use crate::cause::{Fault, HandshakeCause, Phase};
use crate::evidence::{Evidence, Sent};
use crate::identity::Certificate;
use crate::lane::HandshakeFailure;
use std::fmt;
use std::time::{Duration, Instant};

/// Why there is no connection.
///
/// ```no_run
/// # async fn example(connector: sipward::Connector) {
/// let address = "192.0.2.1:5061".parse().unwrap();
/// if let Err(failed) = connector.connect("sip.example.com", address).await {
///     eprintln!("{failed}");
///     for certificate in &failed.chain {
///         eprintln!("it showed {}, good until {:?}", certificate.subject, certificate.not_after);
///     }
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectFailed {
    /// Why.
    pub cause: HandshakeCause,
    /// How far it had come.
    pub phase: Phase,
    /// From the beginning of the connect to the failure.
    pub elapsed: Duration,
    /// What was seen on the wire. `sni` and what was offered are ours; `version`, `cipher_suite`
    /// and `group` are the server's choice.
    pub evidence: Evidence,
    /// The certificates the server showed, its own first, also when they are why it failed.
    pub chain: Vec<Certificate>,
    /// Whether the server had asked for a certificate of ours.
    pub asked_for_certificate: bool,
}

impl ConnectFailed {
    /// Whose fault it most likely was.
    pub const fn fault(&self) -> Fault {
        self.cause.fault()
    }

    pub(super) fn new(failure: HandshakeFailure, begun: Instant) -> Self {
        Self {
            cause: failure.cause,
            phase: failure.phase,
            elapsed: begun.elapsed(),
            evidence: failure.evidence,
            chain: Vec::new(),
            asked_for_certificate: false,
        }
    }

    pub(super) fn before_tls(cause: HandshakeCause, phase: Phase, begun: Instant) -> Self {
        let failure = HandshakeFailure {
            cause,
            phase,
            evidence: Evidence::default(),
        };
        Self::new(failure, begun)
    }
}

impl fmt::Display for ConnectFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in phase {}", self.cause, self.phase.name())?;
        match &self.evidence.alert {
            Some(alert) if alert.sent == Sent::ByPeer => write!(f, ", alert {}", alert.name),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for ConnectFailed {}
