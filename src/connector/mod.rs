//! Connects as a TLS client: one connection with its facts, or a typed reason why there is none.

mod connected;
mod failed;

pub use connected::Connected;
pub use failed::ConnectFailed;

use crate::cause::{HandshakeCause, Phase};
use crate::clock::Clock;
use crate::connection::{ConnectionCounters, Direction};
use crate::tls::{
    Abort, ClientHandshake, ClientPolicy, LINGER_TIMEOUT, LingeringClose, PolicyError, Tap,
    TlsVersions, TrustAnchors,
};
use crate::transport::Tcp;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

/// The settings of a TLS client: the authorities it trusts, the certificate it presents, and its
/// deadline.
///
/// A connection made by it belongs to the caller alone; no supervisor counts it.
///
/// ```no_run
/// use futures_lite::{AsyncReadExt, AsyncWriteExt};
/// use sipward::{Connector, TrustAnchors};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let connector = Connector::new(TrustAnchors::from_pem_file("ca.crt")?)?;
/// let address = "192.0.2.1:5061".parse()?;
/// let mut trunk = connector.connect("sip.example.com", address).await?;
/// println!("{} with {}", trunk.tls().version, trunk.certificates()[0].subject);
///
/// trunk.write_all(b"\r\n\r\n").await?;
/// trunk.flush().await?;
/// let mut pong = [0; 2];
/// trunk.read_exact(&mut pong).await?;
/// trunk.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Connector {
    policy: ClientPolicy,
    deadline: Duration,
}

impl Connector {
    /// Trusts servers whose certificates were issued by these authorities or are themselves among them.
    ///
    /// # Errors
    /// [`PolicyError::BadTrustAnchor`] when one of the certificates cannot be used.
    pub fn new(trusted: TrustAnchors) -> Result<Self, PolicyError> {
        Ok(Self {
            policy: ClientPolicy::new(trusted)?,
            deadline: Duration::from_secs(10),
        })
    }

    /// Presents this certificate, from PEM texts (the chain in any order, and its key), to a server that
    /// asks for one. Default: no certificate is presented.
    ///
    /// # Errors
    /// [`PolicyError::NoCertificate`], [`PolicyError::NoKey`], [`PolicyError::UnsupportedKey`],
    /// [`PolicyError::KeyMismatch`], [`PolicyError::Unusable`].
    pub fn with_identity(mut self, chain: &[u8], key: &[u8]) -> Result<Self, PolicyError> {
        self.policy.identify(chain, key)?;
        Ok(self)
    }

    /// The TLS versions offered. Default: 1.2 and 1.3.
    pub fn with_versions(mut self, versions: TlsVersions) -> Self {
        self.policy.speak(versions);
        self
    }

    /// How long TCP and TLS together may take. Default 10 s. At the limit: `connect_timeout`,
    /// `timeout_silent` or `timeout_stalled`.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Connects to `address` and checks that the server speaks for `domain`: by a chain to a trusted
    /// authority, and by name as RFC 5922 §7 says
    /// ([`Certificate::speaks_for`](crate::Certificate::speaks_for)), never by wildcard. `domain` is
    /// the host of the SIP URI, not a name that DNS gave for it (RFC 5922 §7.3). It may be an IP
    /// address, in brackets or not.
    ///
    /// Success does not mean that the server accepted our certificate: under TLS 1.3 a server rejects
    /// it only afterwards, and the first read returns the error ([`Connected::failure`]).
    ///
    /// # Errors
    /// [`ConnectFailed`] with the cause as it looks from our side; `dns_not_found` at once for a domain
    /// that is neither a DNS name nor an IP address.
    pub async fn connect(
        &self,
        domain: &str,
        address: SocketAddr,
    ) -> Result<Connected, ConnectFailed> {
        let begun = Instant::now();
        let deadline = begun + self.deadline;
        let bracketed = domain.strip_prefix('[').and_then(|d| d.strip_suffix(']'));
        let domain = bracketed.unwrap_or(domain.strip_suffix('.').unwrap_or(domain));
        if !ClientPolicy::can_ask_for(domain) {
            let cause = HandshakeCause::DnsNotFound;
            return Err(ConnectFailed::before_tls(cause, Phase::Resolve, begun));
        }

        let refused = |cause| ConnectFailed::before_tls(cause, Phase::Connect, begun);
        let socket = match until(deadline, Tcp::dial(address)).await {
            Some(Ok(socket)) => socket,
            Some(Err(error)) => return Err(refused(unconnected(error.kind()))),
            None => return Err(refused(HandshakeCause::ConnectTimeout)),
        };
        let connected_after = begun.elapsed();
        let local = socket
            .local_addr()
            .map_err(|error| refused(HandshakeCause::Io(error.kind())))?;
        let counters = Arc::new(ConnectionCounters::default());
        let tap = Tap::new(socket, Direction::Outbound, Arc::clone(&counters));

        let mut handshake = ClientHandshake::new(&tap, &self.policy, domain);
        let outcome = until(deadline, poll_fn(|cx| handshake.poll(cx))).await;
        let failure = match outcome {
            Some(Ok((stream, tls))) => {
                return Ok(Connected {
                    stream,
                    counters,
                    tls,
                    peer: address,
                    local,
                    begun,
                    connected_after,
                    ready_after: begun.elapsed(),
                });
            }
            Some(Err(failure)) => failure,
            None => handshake.abort(Abort::Deadline),
        };
        let chain = handshake.server().chain();
        let asked_for_certificate = handshake.server().asked_for_certificate();
        drop(handshake);
        if failure.cause.peer_is_told() {
            let mut lingering = LingeringClose::new(false);
            let lingering = poll_fn(|cx| lingering.poll(&tap, cx));
            until(Instant::now() + LINGER_TIMEOUT, lingering).await;
        }
        Err(ConnectFailed {
            failure,
            elapsed: begun.elapsed(),
            stats: counters.stats(),
            chain,
            asked_for_certificate,
        })
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

fn unconnected(kind: io::ErrorKind) -> HandshakeCause {
    use io::ErrorKind::{
        AddrNotAvailable, ConnectionRefused, ConnectionReset, HostUnreachable, NetworkUnreachable,
        TimedOut,
    };
    match kind {
        ConnectionRefused => HandshakeCause::ConnectRefused,
        TimedOut => HandshakeCause::ConnectTimeout,
        // The system has no source address that could reach the server.
        HostUnreachable | NetworkUnreachable | AddrNotAvailable => {
            HandshakeCause::ConnectUnreachable
        }
        ConnectionReset => HandshakeCause::PeerReset,
        kind => HandshakeCause::Io(kind),
    }
}

/// What comes of `future`, unless the deadline comes first.
async fn until<T>(deadline: Instant, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut timer = Clock::default().timer();
    timer.set(Some(deadline));
    poll_fn(|cx| {
        if let Poll::Ready(outcome) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(outcome));
        }
        timer.poll(cx).map(|()| None)
    })
    .await
}
