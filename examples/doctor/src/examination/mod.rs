//! Examines a server: resolves its name, connects, looks at its certificates, sends OPTIONS and a
//! keep-alive, and collects the findings.

mod cause;
mod json;
mod remedy;
mod resolve;
mod sip_exchange;
mod target;
mod text;

pub use target::Target;

use cause::Cause;
use resolve::Resolution;
use sip_exchange::{Answer, SipExchange};
use sipward::{Certificate, ConnectFailed, Connected, Connector, Tls};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

/// How to examine a server.
pub struct Settings {
    /// Connects with the trusted authorities and the client certificate, if there is one.
    pub connector: Connector,
    /// A description of what `connector` trusts.
    pub trusted: String,
    /// Whether `connector` has a client certificate.
    pub has_identity: bool,
    /// How long each step may take; TCP and TLS together are one step.
    pub timeout: Duration,
    /// The name server to ask for SRV; `None`: those of the system.
    pub nameserver: Option<SocketAddr>,
}

/// Everything that was found.
pub struct Findings {
    target: Target,
    trusted: String,
    has_identity: bool,
    resolution: Resolution,
    /// One entry for each address tried, in order. The first address that answers SIP is the last
    /// one tried.
    attempts: Vec<Attempt>,
    now: SystemTime,
}

struct Attempt {
    address: SocketAddr,
    outcome: Result<ConnectionFindings, Box<ConnectFailed>>,
}

/// What was found over an established connection.
struct ConnectionFindings {
    connect_time: Duration,
    handshake_time: Duration,
    tls: Tls,
    certificates: Vec<Certificate>,
    asked_for_certificate: bool,
    options: Result<Answer, Cause>,
    /// `None` when OPTIONS failed, since the keep-alive is not tried then.
    keep_alive: Option<Result<Duration, Cause>>,
}

/// Examines the target. Its addresses are tried in order until one answers SIP.
pub async fn examine(target: Target, settings: &Settings) -> Findings {
    let resolution = resolve::resolve(&target, settings.nameserver, settings.timeout).await;
    let mut findings = Findings {
        target,
        trusted: settings.trusted.clone(),
        has_identity: settings.has_identity,
        resolution,
        attempts: Vec::new(),
        now: SystemTime::now(),
    };
    let addresses = findings.resolution.addresses.clone().unwrap_or_default();
    for address in addresses {
        let connected = settings
            .connector
            .connect(&findings.target.host, address)
            .await;
        let outcome = match connected {
            Ok(connected) => {
                Ok(examine_connection(connected, &findings.target, settings.timeout).await)
            }
            Err(failed) => Err(Box::new(failed)),
        };
        findings.attempts.push(Attempt { address, outcome });
        if findings.is_usable() {
            break;
        }
    }
    findings
}

async fn examine_connection(
    mut connected: Connected,
    target: &Target,
    timeout: Duration,
) -> ConnectionFindings {
    let mut sip_exchange = SipExchange::new(&mut connected, timeout);
    let options = sip_exchange.options(target).await;
    let keep_alive = match options {
        Ok(_) => Some(sip_exchange.ping().await),
        Err(_) => None,
    };
    let connection = ConnectionFindings {
        connect_time: connected.connect_time(),
        handshake_time: connected.handshake_time(),
        tls: connected.tls().clone(),
        certificates: connected.certificates(),
        asked_for_certificate: connected.asked_for_certificate(),
        options,
        keep_alive,
    };
    connected.close().await;
    connection
}

impl Findings {
    /// Whether a phone could use the server: at some address the certificate is acceptable and
    /// OPTIONS is answered.
    pub fn is_usable(&self) -> bool {
        let established = self
            .attempts
            .iter()
            .filter_map(|attempt| attempt.outcome.as_ref().ok());
        established
            .into_iter()
            .any(|connection| connection.options.is_ok())
    }

    /// The findings as text that fits on one screen.
    pub fn text(&self) -> String {
        text::render(self)
    }

    /// The findings as JSON.
    pub fn json(&self) -> serde_json::Value {
        json::object(self)
    }

    /// Whole days until the certificate expires; negative after that.
    fn days_left(&self, certificate: &Certificate) -> i64 {
        const DAY: u64 = 24 * 3600;
        let days = |span: Duration| i64::try_from(span.as_secs() / DAY).unwrap_or(i64::MAX);
        match certificate.not_after.duration_since(self.now) {
            Ok(left) => days(left),
            Err(since) => -1 - days(since.duration()),
        }
    }
}
