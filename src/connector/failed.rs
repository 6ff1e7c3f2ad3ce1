//! Why an outbound connection could not be established.

use crate::cause::{Fault, HandshakeCause, Phase};
use crate::connection::{AlertDirection, Certificate, ConnectionStats, Evidence, HandshakeFailure};
use std::fmt;
use std::time::{Duration, Instant};

/// Why an outbound connection could not be established.
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
    /// The cause, the phase and the evidence. In the evidence `sni` and the offers are ours; `version`,
    /// `cipher_suite` and `group` are the server's choice.
    pub failure: HandshakeFailure,
    /// The time from the call of `connect` to the failure.
    pub elapsed: Duration,
    /// The bytes the connection had carried.
    pub stats: ConnectionStats,
    /// The certificates the server presented, its own first, also when they are the reason of the
    /// failure.
    pub chain: Vec<Certificate>,
    /// Whether the server had asked for a certificate of ours.
    pub asked_for_certificate: bool,
}

impl ConnectFailed {
    /// Whose fault it most likely was.
    pub const fn fault(&self) -> Fault {
        self.failure.fault()
    }

    pub(super) fn before_tls(cause: HandshakeCause, phase: Phase, begun: Instant) -> Self {
        Self {
            failure: HandshakeFailure {
                cause,
                phase,
                evidence: Evidence::default(),
            },
            elapsed: begun.elapsed(),
            stats: ConnectionStats::default(),
            chain: Vec::new(),
            asked_for_certificate: false,
        }
    }
}

impl fmt::Display for ConnectFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let HandshakeFailure {
            cause,
            phase,
            evidence,
        } = &self.failure;
        write!(f, "{cause} in phase {}", phase.name())?;
        match &evidence.alert {
            Some(alert) if alert.direction == AlertDirection::Received => {
                write!(f, ", alert {}", alert.name)
            }
            _ => Ok(()),
        }
    }
}

impl std::error::Error for ConnectFailed {}
