//! The examination: resolve, connect, look at the certificate, ask, ping; and what was found.

mod cause;
mod json;
mod remedy;
mod resolve;
mod screen;
mod talk;
mod target;

pub use target::Target;

use cause::Cause;
use resolve::Resolution;
use sipward::{Certificate, ConnectFailed, Connected, Connector, Tls};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};
use talk::{Answer, Talk};

/// How it is examined.
pub struct Terms {
    /// Whom it must convince, and who we say we are.
    pub connector: Connector,
    /// What `connector` trusts, in words.
    pub trusted: String,
    /// Whether we have a certificate to show.
    pub has_identity: bool,
    /// How long each step may take; TCP and TLS are one.
    pub patience: Duration,
    /// Whom to ask for SRV instead of the system's name servers.
    pub nameserver: Option<SocketAddr>,
}

/// All that was found.
pub struct Findings {
    target: Target,
    trusted: String,
    has_identity: bool,
    resolution: Resolution,
    /// One for each address tried, in order; the last is the first that answered SIP.
    attempts: Vec<Attempt>,
    now: SystemTime,
}

struct Attempt {
    address: SocketAddr,
    outcome: Result<Visit, Box<ConnectFailed>>,
}

/// What a connection showed.
struct Visit {
    connect_time: Duration,
    handshake_time: Duration,
    tls: Tls,
    certificates: Vec<Certificate>,
    asked_for_certificate: bool,
    options: Result<Answer, Cause>,
    /// Not tried when OPTIONS failed.
    keep_alive: Option<Result<Duration, Cause>>,
}

/// Examines the target: tries its addresses in order until one answers SIP.
pub async fn examine(target: Target, terms: &Terms) -> Findings {
    let resolution = resolve::resolve(&target, terms.nameserver, terms.patience).await;
    let mut findings = Findings {
        target,
        trusted: terms.trusted.clone(),
        has_identity: terms.has_identity,
        resolution,
        attempts: Vec::new(),
        now: SystemTime::now(),
    };
    let addresses = findings.resolution.addresses.clone().unwrap_or_default();
    for address in addresses {
        let connected = terms
            .connector
            .connect(&findings.target.host, address)
            .await;
        let outcome = match connected {
            Ok(connected) => Ok(visit(connected, &findings.target, terms.patience).await),
            Err(failed) => Err(Box::new(failed)),
        };
        findings.attempts.push(Attempt { address, outcome });
        if findings.is_usable() {
            break;
        }
    }
    findings
}

async fn visit(mut connected: Connected, target: &Target, patience: Duration) -> Visit {
    let mut talk = Talk::new(&mut connected, patience);
    let options = talk.options(target).await;
    let keep_alive = match options {
        Ok(_) => Some(talk.ping().await),
        Err(_) => None,
    };
    let visit = Visit {
        connect_time: connected.connect_time(),
        handshake_time: connected.handshake_time(),
        tls: connected.tls().clone(),
        certificates: connected.certificates(),
        asked_for_certificate: connected.asked_for_certificate(),
        options,
        keep_alive,
    };
    connected.close().await;
    visit
}

impl Findings {
    /// Whether a phone could use it: some address has an acceptable certificate and answers SIP.
    pub fn is_usable(&self) -> bool {
        let visits = self
            .attempts
            .iter()
            .filter_map(|attempt| attempt.outcome.as_ref().ok());
        visits.into_iter().any(|visit| visit.options.is_ok())
    }

    /// Everything on one screen, as text.
    pub fn screen(&self) -> String {
        screen::draw(self)
    }

    /// The same for programs.
    pub fn json(&self) -> serde_json::Value {
        json::object(self)
    }

    /// Whole days until the certificate ends; negative after that.
    fn days_left(&self, certificate: &Certificate) -> i64 {
        const DAY: u64 = 24 * 3600;
        let days = |span: Duration| i64::try_from(span.as_secs() / DAY).unwrap_or(i64::MAX);
        match certificate.not_after.duration_since(self.now) {
            Ok(left) => days(left),
            Err(since) => -1 - days(since.duration()),
        }
    }
}
