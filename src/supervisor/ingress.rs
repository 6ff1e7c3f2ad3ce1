//! What happens to an accepted connection: its true address is found, it is admitted or refused, its
//! session begins.

use super::proxy_header;
use crate::admission::{Admission, Permit, Refusal};
use crate::connection::{Connection, ConnectionId, Direction};
use crate::executor::Workers;
use crate::observe::Gate;
use crate::session::{
    self, Application, Lifecycle, Session, SessionContext, SessionGuard, SessionHandle,
    SessionParts,
};
use crate::transport::{ProxyProtocol, Transport};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};
use xtra::Mailbox;

/// The parts that all acceptors share.
pub(crate) struct AcceptorContext<A> {
    pub(crate) admission: Arc<Admission>,
    pub(crate) ids: AtomicU64,
    pub(crate) gate: Arc<Gate>,
    pub(crate) flow_budget: usize,
    pub(crate) proxy_protocol: Option<ProxyProtocol>,
    pub(crate) workers: Workers,
    pub(crate) session: Arc<SessionContext<A>>,
}

/// The addresses of an accepted connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
    pub(crate) listener: SocketAddr,
}

impl<A: Application> AcceptorContext<A> {
    pub(crate) fn report(&self, report: Lifecycle) {
        // After the supervisor's end the report is not needed.
        let _ = self.session.lifecycle.send(report);
    }

    /// Admits or refuses a connection. Never waits: a PROXY header is read in a task of its own.
    pub(crate) fn arrive<T: Transport>(self: &Arc<Self>, stream: T, addresses: Addresses) {
        match &self.proxy_protocol {
            Some(rule) if rule.expects(addresses.peer.ip()) => {
                if let Some(refusal) = self.admission.full() {
                    drop(stream);
                    return self.refuse(addresses, refusal);
                }
                let context = Arc::clone(self);
                self.workers
                    .spawn(proxy_header::read_header(context, stream, addresses));
            }
            Some(rule) if !rule.direct => {
                drop(stream);
                self.refuse(addresses, proxy_header::untrusted());
            }
            _ => self.admit(stream, addresses),
        }
    }

    /// Admits the connection and begins its session, or refuses it.
    pub(crate) fn admit<T: Transport>(&self, stream: T, addresses: Addresses) {
        let accepted = self.session.clock.now();
        let (handle, mailbox) = self.session_handle(addresses);
        let peer = addresses.peer.ip();
        let handshake = Arc::clone(&handle);
        match self
            .admission
            .admit(peer, handshake, &handle.counters, accepted)
        {
            Ok(permit) => self.begin(stream, handle, mailbox, permit, accepted),
            Err(refusal) => {
                drop(stream);
                self.report(Lifecycle::Refused {
                    connection: Arc::clone(&handle.connection),
                    refusal,
                });
            }
        }
    }

    /// Reports a connection that was refused before it had a session.
    pub(crate) fn refuse(&self, addresses: Addresses, refusal: Refusal) {
        self.report(Lifecycle::Refused {
            connection: Arc::new(self.connection(addresses)),
            refusal,
        });
    }

    fn session_handle(&self, addresses: Addresses) -> (Arc<SessionHandle>, Mailbox<Session>) {
        SessionHandle::new(Arc::new(self.connection(addresses)), self.flow_budget)
    }

    fn connection(&self, addresses: Addresses) -> Connection {
        Connection {
            id: ConnectionId::new(self.ids.fetch_add(1, Ordering::Relaxed)),
            direction: Direction::Inbound,
            peer: addresses.peer,
            local: addresses.local,
            listener: addresses.listener,
            begun: SystemTime::now(),
        }
    }

    /// Begins the session. `Accepted` is reported before the session exists, so that no other report
    /// about it can come first.
    fn begin<T: Transport>(
        &self,
        stream: T,
        handle: Arc<SessionHandle>,
        mailbox: Mailbox<Session>,
        permit: Permit,
        accepted: Instant,
    ) {
        let lifecycle = self.session.lifecycle.clone();
        let Ok(in_ledger) = lifecycle.accepted(Arc::clone(&handle), accepted) else {
            return;
        };
        let session = session::run(SessionParts {
            stream,
            handle: Arc::clone(&handle),
            permit,
            mailbox,
            accepted,
            context: Arc::clone(&self.session),
        });
        let clock = self.session.clock.clone();
        let guarded = Arc::clone(&handle);
        let task = SessionGuard::new(in_ledger, guarded, lifecycle, clock, Box::pin(session));
        #[cfg(any(test, feature = "testing"))]
        let task = crate::transport::doomed_task::DroppableTask::new(task);
        self.workers
            .spawn_session(task, move || handle.is_serving());
    }
}
