//! How the supervisor answers control messages. No answer waits for a session.

use super::Supervisor;
use super::books::Books;
use super::listing::{established, matches, summary};
use crate::acceptor::{CloseListener, SetPaused};
use crate::admission::{AdmissionLimits, Ban};
use crate::connection::Direction;
use crate::control::{
    AddBan, Bans, Close, Drain, Figures, Inspect, Inspection, LiftBan, Listen, MarkAuthenticated,
    Pause, Resume, Send, Sent, SessionFilter, SessionPage, Sessions, SetLimits, Shutdown,
    ShutdownBegun, Snapshot, StopListening, Subscribe, Target,
};
use crate::event::Event;
use crate::flow::{Flow, SendError};
use crate::ledger::Stage;
use crate::listener::{AnyListener, Listener, Tcp};
use crate::observe::Subscription;
use crate::start_error::StartError;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use xtra::{Context, Handler};

impl Handler<Snapshot> for Supervisor {
    type Return = Figures;

    async fn handle(&mut self, _: Snapshot, _: &mut Context<Self>) -> Figures {
        let books = self.books();
        Figures {
            uptime: books.clock.now() - books.started,
            inbound: books.counts(Direction::Inbound),
            outbound: books.counts(Direction::Outbound),
            permits: books.admission.open(),
            undelivered_events: books.audience.undelivered(),
            listeners: books.addresses(),
            handshake_permits: books.admission.shaking(),
            memory: books.admission.memory(),
            limits: books.limits.admission.clone(),
            flow_budget: books.limits.flow_budget,
            deadlines: books.limits.deadlines,
            message_limits: books.limits.messages,
            draining: books.shutdown.is_some(),
        }
    }
}

impl Handler<Sessions> for Supervisor {
    type Return = SessionPage;

    async fn handle(&mut self, page: Sessions, _: &mut Context<Self>) -> SessionPage {
        self.books().page(&page)
    }
}

impl Handler<Inspect> for Supervisor {
    type Return = Option<Inspection>;

    async fn handle(&mut self, which: Inspect, _: &mut Context<Self>) -> Option<Inspection> {
        let books = self.books();
        let entry = books.ledger.entry(which.id)?;
        let line = &entry.held.line;
        let now = books.clock.now();
        let next_deadline = match entry.stage {
            Stage::Handshaking => None,
            Stage::Ready { at, .. } => line.readings.alarm().map(|(after, cause)| {
                let left = (at + after).saturating_duration_since(now);
                (left, cause)
            }),
        };
        Some(Inspection {
            summary: summary(entry, now),
            queued: Flow::new(Arc::clone(line)).queued(),
            flow_budget: books.limits.flow_budget,
            held_open: line.held_open(),
            next_deadline,
            closing: line.closing().map(|closing| closing.cause),
        })
    }
}

impl Handler<Send> for Supervisor {
    type Return = Sent;

    async fn handle(&mut self, send: Send, _: &mut Context<Self>) -> Sent {
        let books = self.books();
        let entry = books.ledger.entry(send.id);
        let Some(entry) = entry.filter(|entry| established(entry).is_some()) else {
            return Sent::Gone;
        };
        match Flow::new(Arc::clone(&entry.held.line)).send(send.message) {
            Ok(()) => Sent::Queued,
            Err(SendError::Full(_)) => Sent::Full,
            Err(SendError::Closed(_)) => Sent::Gone,
        }
    }
}

impl Handler<MarkAuthenticated> for Supervisor {
    type Return = bool;

    async fn handle(&mut self, mark: MarkAuthenticated, _: &mut Context<Self>) -> bool {
        let books = self.books();
        let entry = books.ledger.entry(mark.id);
        let Some(entry) = entry.filter(|entry| established(entry).is_some()) else {
            return false;
        };
        entry.held.line.mark_authenticated();
        true
    }
}

impl Handler<Close> for Supervisor {
    type Return = usize;

    async fn handle(&mut self, close: Close, _: &mut Context<Self>) -> usize {
        let books = self.books();
        let filter = match close.target {
            Target::Connection(id) => {
                let Some(entry) = books.ledger.entry(id) else {
                    return 0;
                };
                Books::close(&entry.held, close.reason.into(), close.grace);
                return 1;
            }
            Target::Source(source) => SessionFilter {
                source: Some(source),
                ..SessionFilter::default()
            },
            Target::Identity(identity) => SessionFilter {
                identity: Some(identity),
                ..SessionFilter::default()
            },
        };
        let entries = books.ledger.entries();
        entries
            .filter(|entry| matches(&filter, entry))
            .map(|entry| Books::close(&entry.held, close.reason.into(), close.grace))
            .count()
    }
}

impl Handler<SetLimits> for Supervisor {
    type Return = AdmissionLimits;

    async fn handle(&mut self, new: SetLimits, _: &mut Context<Self>) -> AdmissionLimits {
        let mut books = self.books();
        books.set_limits(new.limits)
    }
}

impl Handler<AddBan> for Supervisor {
    type Return = IpAddr;

    async fn handle(&mut self, ban: AddBan, _: &mut Context<Self>) -> IpAddr {
        let mut books = self.books();
        let now = books.clock.now();
        let source = books.admission.ban(ban.peer, ban.lasts, now);
        books.show(Event::Banned {
            source,
            lasts: ban.lasts,
            cause: "operator".into(),
        });
        source
    }
}

impl Handler<LiftBan> for Supervisor {
    type Return = bool;

    async fn handle(&mut self, lift: LiftBan, _: &mut Context<Self>) -> bool {
        let books = self.books();
        books.admission.lift_ban(lift.peer)
    }
}

impl Handler<Bans> for Supervisor {
    type Return = Vec<Ban>;

    async fn handle(&mut self, _: Bans, _: &mut Context<Self>) -> Vec<Ban> {
        let books = self.books();
        books.admission.bans(books.clock.now())
    }
}

impl Handler<Listen> for Supervisor {
    type Return = Result<SocketAddr, StartError>;

    async fn handle(
        &mut self,
        listen: Listen,
        _: &mut Context<Self>,
    ) -> Result<SocketAddr, StartError> {
        let mut books = self.books();
        let address = listen.address;
        if books.shutdown.is_some() {
            return Err(StartError::Bind {
                address,
                source: io::Error::other("the supervisor is shutting down"),
            });
        }
        let sockets = Tcp::bind(address, books.listen_options)
            .map_err(|source| StartError::Bind { address, source })?;
        let bound = sockets.first().map_or(address, Listener::address);
        let sockets = sockets.into_iter().map(AnyListener::Tcp).collect();
        books.open(sockets);
        Ok(bound)
    }
}

impl Handler<StopListening> for Supervisor {
    type Return = bool;

    async fn handle(&mut self, stop: StopListening, _: &mut Context<Self>) -> bool {
        let told = self
            .books()
            .tell_acceptors(Some(stop.listener), CloseListener);
        told > 0
    }
}

impl Handler<Pause> for Supervisor {
    type Return = usize;

    async fn handle(&mut self, pause: Pause, _: &mut Context<Self>) -> usize {
        let books = self.books();
        books.tell_acceptors(pause.listener, SetPaused(true))
    }
}

impl Handler<Resume> for Supervisor {
    type Return = usize;

    async fn handle(&mut self, resume: Resume, _: &mut Context<Self>) -> usize {
        let books = self.books();
        books.tell_acceptors(resume.listener, SetPaused(false))
    }
}

impl Handler<Subscribe> for Supervisor {
    type Return = Subscription;

    async fn handle(&mut self, wish: Subscribe, _: &mut Context<Self>) -> Subscription {
        let mut books = self.books();
        books.audience.admit(wish.filter, wish.capacity)
    }
}

impl Handler<Shutdown> for Supervisor {
    type Return = ShutdownBegun;

    async fn handle(&mut self, shutdown: Shutdown, _: &mut Context<Self>) -> ShutdownBegun {
        let mut books = self.books();
        books.shut_down(shutdown.deadline);
        ShutdownBegun {
            outcome: books.outcome.clone(),
        }
    }
}

impl Handler<Drain> for Supervisor {
    type Return = ShutdownBegun;

    async fn handle(&mut self, drain: Drain, _: &mut Context<Self>) -> ShutdownBegun {
        let mut books = self.books();
        books.drain(drain.deadline);
        ShutdownBegun {
            outcome: books.outcome.clone(),
        }
    }
}
