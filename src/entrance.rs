//! What becomes of an accepted connection: its true address, its admission, its session.

use crate::admission::{Admission, Permit, Refusal};
use crate::application::Application;
use crate::connection::{Connection, ConnectionId, Direction};
use crate::ending::Ending;
use crate::flow::Line;
use crate::lane::Lifecycle;
use crate::observe::Gate;
use crate::proxy_protocol::{self, ProxyProtocol};
use crate::session::{self, House, Terms};
use crate::threads::Workers;
use crate::transport::Transport;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};
use xtra::Mailbox;

/// What all acceptors share.
pub(crate) struct Entrance<A> {
    pub(crate) admission: Arc<Admission>,
    pub(crate) ids: AtomicU64,
    pub(crate) gate: Arc<Gate>,
    pub(crate) flow_budget: usize,
    pub(crate) proxy_protocol: Option<ProxyProtocol>,
    pub(crate) workers: Workers,
    pub(crate) house: Arc<House<A>>,
}

/// The ends of an accepted connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
    pub(crate) listener: SocketAddr,
}

impl<A: Application> Entrance<A> {
    pub(crate) fn say(&self, word: Lifecycle) {
        // The supervisor's wrapper outlives its acceptors.
        let _ = self.house.lane.say(word);
    }

    /// Takes a connection in. Never waits: a header that is due is read in a task of its own.
    pub(crate) fn arrive<T: Transport>(self: &Arc<Self>, stream: T, ends: Ends) {
        match &self.proxy_protocol {
            Some(rule) if rule.expects(ends.peer.ip()) => {
                if let Some(refusal) = self.admission.full() {
                    drop(stream);
                    return self.refuse(ends, refusal);
                }
                let entrance = Arc::clone(self);
                self.workers
                    .spawn(proxy_protocol::arrive(entrance, stream, ends));
            }
            Some(rule) if !rule.direct => {
                drop(stream);
                self.refuse(ends, proxy_protocol::untrusted());
            }
            _ => self.admit(stream, ends),
        }
    }

    /// Asks admission, and begins the session.
    pub(crate) fn admit<T: Transport>(&self, stream: T, ends: Ends) {
        let accepted = self.house.clock.now();
        let line = self.line(ends);
        match self.admission.admit(ends.peer.ip(), &line, accepted) {
            Ok(permit) => self.begin(stream, line, permit, accepted),
            Err(refusal) => {
                drop(stream);
                self.say(Lifecycle::Refused {
                    connection: Arc::clone(&line.connection),
                    refusal,
                });
            }
        }
    }

    /// Accounts for a connection that was turned away before it had a session.
    pub(crate) fn refuse(&self, ends: Ends, refusal: Refusal) {
        self.say(Lifecycle::Refused {
            connection: Arc::clone(&self.line(ends).connection),
            refusal,
        });
    }

    fn line(&self, ends: Ends) -> Arc<Line> {
        let connection = Connection {
            id: ConnectionId::new(self.ids.fetch_add(1, Ordering::Relaxed)),
            direction: Direction::Inbound,
            peer: ends.peer,
            local: ends.local,
            listener: ends.listener,
            begun: SystemTime::now(),
        };
        Line::new(Arc::new(connection), self.flow_budget)
    }

    /// `Accepted` is in the lane before the session exists, so nothing about it can come first.
    fn begin<T: Transport>(&self, stream: T, line: Arc<Line>, permit: Permit, accepted: Instant) {
        let (address, mailbox) = Mailbox::unbounded();
        let word = Lifecycle::Accepted {
            line: Arc::clone(&line),
            session: address,
            at: accepted,
        };
        if self.house.lane.say(word).is_err() {
            return;
        }
        let session = session::run(Terms {
            stream,
            line: Arc::clone(&line),
            permit,
            mailbox,
            accepted,
            house: Arc::clone(&self.house),
        });
        let (lane, clock) = (self.house.lane.clone(), self.house.clock.clone());
        let task = Ending::new(Arc::clone(&line), lane, clock, Box::pin(session));
        #[cfg(any(test, feature = "testing"))]
        let task = crate::testing::Mortal::new(task);
        self.workers.spawn_session(task, &line);
    }
}
