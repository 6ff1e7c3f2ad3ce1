//! What becomes of connections whose accept or handshake overlaps with the beginning of a shutdown.

use super::report::PendingReport;
use super::state::SupervisorState;
use super::{Ledger, Stage};
use crate::admission::{Admission, AdmissionLimits};
use crate::clock::Clock;
use crate::connection::{Connection, ConnectionId, Direction, Tls};
use crate::deadline::Deadlines;
use crate::event::{LimitsSet, Ready};
use crate::observe::{Gate, Subscribers};
use crate::session::{ReadyAnswer, SessionHandle};
use crate::sip::Limits;
use crate::transport::ListenOptions;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

fn state() -> SupervisorState {
    let clock = Clock::default();
    let (_, done) = async_std::channel::bounded(1);
    SupervisorState {
        ledger: Ledger::new(),
        listeners: Vec::new(),
        acceptor_factory: None,
        listen_options: ListenOptions::default(),
        acceptors: 0,
        subscribers: Subscribers::new(Arc::new(Gate::default())),
        admission: Admission::new(AdmissionLimits::default(), None),
        started: clock.now(),
        clock,
        limits: LimitsSet {
            admission: AdmissionLimits::default(),
            ban_rule: None,
            deadlines: Deadlines::default(),
            messages: Limits::default(),
            flow_budget: 0,
            event_backlog: 0,
        },
        report: PendingReport {
            report: Arc::new(OnceLock::new()),
            done,
        },
        shutdown: None,
        panic: None,
        ended: false,
        endings: BTreeMap::new(),
    }
}

fn connection() -> Arc<Connection> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 5061));
    Arc::new(Connection {
        id: ConnectionId::new(1),
        direction: Direction::Inbound,
        peer: address,
        local: address,
        listener: address,
        begun: SystemTime::UNIX_EPOCH,
    })
}

fn tls() -> Tls {
    Tls {
        version: "TLSv1.3".into(),
        cipher_suite: "TLS13_AES_256_GCM_SHA384".into(),
        group: None,
        alpn: None,
        sni: None,
        resumed: false,
        offered_versions: Vec::new(),
        ja4: None,
        client_certificate: None,
        certificate_not_after: None,
    }
}

#[test]
fn a_connection_admitted_before_and_reported_after_a_shutdown_began_is_asked_to_close() {
    let mut state = state();
    let (handle, mailbox) = SessionHandle::new(connection(), 1000);
    state.shut_down(Duration::from_secs(5));
    let now = state.clock.now();
    state.accepted(handle, now);
    assert_eq!(mailbox.address().len(), 1);
}

#[test]
fn a_handshake_that_ends_after_a_shutdown_began_is_not_served() {
    let mut state = state();
    let connection = connection();
    let (handle, _mailbox) = SessionHandle::new(Arc::clone(&connection), 1000);
    let now = state.clock.now();
    state.accepted(handle, now);
    state.shut_down(Duration::from_secs(5));
    let ready = Ready {
        connection: Arc::clone(&connection),
        elapsed: Duration::ZERO,
        tls: tls(),
    };
    assert_eq!(state.ready(Arc::new(ready), now), ReadyAnswer::Refuse);
    let entry = state.ledger.entry(connection.id).expect("it is open");
    assert!(matches!(entry.stage, Stage::Handshaking));
}
