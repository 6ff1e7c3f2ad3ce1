//! The law, held against every event in the moment it comes.

use super::application::INJECTED;
use super::world::{Life, Marks, State, World};
use sipward::control::Report;
use sipward::{
    Cancelled, CloseCause, Closed, Connection, Counts, Event, EventKind, HandshakeCause,
};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub struct Judge {
    world: Arc<World>,
    stages: HashMap<u64, Stage>,
    counts: Counts,
    /// The counters and the panic that the last event told.
    pub stopped: Option<(Counts, Option<String>)>,
    observers_failed: usize,
    draining: bool,
    /// Clients that were found to speak in clear.
    pub plaintext: HashSet<u16>,
    /// The first breach of the law.
    pub breach: Option<String>,
    /// What was seen, to be read when the law is broken.
    pub transcript: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Accepted,
    Ready,
    Over,
}

impl Judge {
    pub fn new(world: Arc<World>) -> Self {
        Self {
            world,
            stages: HashMap::new(),
            counts: Counts::default(),
            stopped: None,
            observers_failed: 0,
            draining: false,
            plaintext: HashSet::new(),
            breach: None,
            transcript: Vec::new(),
        }
    }

    pub fn hear(&mut self, event: &Event) {
        let what = describe(event);
        self.transcript.push(what.clone());
        if self.stopped.is_some() {
            self.breach(format!("after the last event came {what}"));
        }
        match event {
            Event::Stopped { inbound, panic, .. } => {
                self.stopped = Some((*inbound, panic.clone()));
            }
            Event::Discrepancy { .. } => self.breach(what.clone()),
            Event::Draining { .. } => self.draining = true,
            Event::ObserverFailed { .. } => self.observers_failed += 1,
            _ => {
                if let Some(connection) = event.connection() {
                    self.step(connection, event.kind());
                }
            }
        }
        match event {
            Event::Refused(refused) => {
                self.world.tally.injected("refused");
                self.ended(&refused.connection, refused.cause.name());
            }
            Event::HandshakeFailed(failed) => {
                self.failed(&failed.connection, &failed.failure.cause);
                self.ended(&failed.connection, failed.failure.cause.name());
            }
            Event::Closed(closed) => {
                self.closed(closed);
                self.ended(&closed.connection, closed.cause.name());
            }
            Event::Ready(ready) => {
                if self.draining {
                    self.breach(format!("{what} though everybody is to leave"));
                }
                let port = ready.connection.peer.port();
                if self.world.state().stops_reading.contains(&port) {
                    self.breach(format!("{what} while our last flight had not left"));
                }
            }
            _ => {}
        }
    }

    /// Holds the law against the whole history, once the supervisor has ended.
    pub fn sum_up(&mut self, report: Option<&Report>) {
        let Some((counts, panic)) = self.stopped.clone() else {
            return self.breach("the supervisor never said that it stopped".to_owned());
        };
        if counts != self.counts {
            let seen = self.counts;
            self.breach(format!("told {counts:?}, but its events were {seen:?}"));
        }
        if !counts.balanced() || counts.handshaking + counts.open > 0 {
            self.breach(format!("the equations do not hold at the end: {counts:?}"));
        }
        if let Some(report) = report
            && (report.inbound, report.panic.clone(), report.permits) != (counts, panic.clone(), 0)
        {
            self.breach(format!("reported {report:?}"));
        }
        let world = Arc::clone(&self.world);
        let marks = &world.marks;
        if panic.is_some() != Marks::is_set(&marks.supervisor_panicked) {
            self.breach(format!("ended with the panic {panic:?}"));
        }
        if !Marks::is_set(&marks.application_dropped) {
            self.breach("tasks are left behind: the application still lives".to_owned());
        }
        if self.observers_failed > usize::from(Marks::is_set(&marks.observer_panicked)) {
            self.breach("an observer was said to have failed that had not".to_owned());
        }
        let state = world.state();
        if let Some((id, _)) = state.lives.iter().find(|(_, life)| is_alive(life)) {
            self.breach(format!("the conversation of connection {id} still lives"));
        }
        for flow in &state.flows {
            if flow.is_open() || flow.queued() > 0 {
                self.breach(format!("{flow:?} still takes or holds messages"));
            }
        }
    }

    pub fn breach(&mut self, what: String) {
        self.breach.get_or_insert(what);
    }

    fn step(&mut self, connection: &Connection, kind: EventKind) {
        let id = connection.id.number();
        let before = self.stages.get(&id).copied();
        let counts = &mut self.counts;
        let after = match (before, kind) {
            (None, EventKind::Accepted) => {
                counts.begun += 1;
                Stage::Accepted
            }
            (Some(Stage::Accepted), EventKind::Refused) => {
                counts.refused += 1;
                Stage::Over
            }
            (Some(Stage::Accepted), EventKind::HandshakeFailed) => {
                counts.failed += 1;
                Stage::Over
            }
            (Some(Stage::Accepted), EventKind::Ready) => {
                counts.ready += 1;
                Stage::Ready
            }
            (Some(Stage::Ready), EventKind::Closed) => {
                counts.closed += 1;
                Stage::Over
            }
            _ => {
                let kind = kind.name();
                return self.breach(format!("connection {id} was {before:?} and then {kind}"));
            }
        };
        self.stages.insert(id, after);
    }

    /// What the connection held is gone by now.
    fn ended(&mut self, connection: &Connection, cause: &'static str) {
        self.world.tally.ended(cause.to_owned());
        let socket = self
            .world
            .state()
            .sockets
            .get(&connection.peer.port())
            .cloned();
        if socket.is_some_and(|socket| socket.is_held_by_the_server()) {
            self.breach(format!(
                "connection {} ended and its socket lives",
                connection.id
            ));
        }
    }

    fn failed(&mut self, connection: &Connection, cause: &HandshakeCause) {
        let world = Arc::clone(&self.world);
        let state = world.state();
        let id = connection.id.number();
        if state.lives.contains_key(&id) {
            self.breach(format!("connection {id} was served and never ready"));
        }
        let port = connection.peer.port();
        if matches!(cause, HandshakeCause::Plaintext(_)) {
            self.plaintext.insert(port);
        }
        let marks = &world.marks;
        let rightly = match cause {
            HandshakeCause::Internal(_) => state.doomed.contains(&port),
            HandshakeCause::Cancelled(Cancelled::Operator) => state.told_to_close.contains(&port),
            HandshakeCause::Cancelled(Cancelled::Drain) => Marks::is_set(&marks.shutting_down),
            HandshakeCause::Cancelled(_) => {
                Marks::is_set(&marks.supervisor_panicked) || !world.in_step
            }
            _ => true,
        };
        if !rightly {
            self.breach(format!(
                "connection {id} failed for {cause}, and nobody did that"
            ));
        }
    }

    fn closed(&mut self, closed: &Closed) {
        let world = Arc::clone(&self.world);
        let state = world.state();
        let id = closed.connection.id.number();
        let life = state.lives.get(&id);
        if let Some(what) = self.misjudged(closed, life, &state) {
            self.breach(format!(
                "connection {id} closed for {}: {what}",
                closed.cause
            ));
        }
        let Some(life) = life else { return };
        if is_alive(life) {
            self.breach(format!(
                "connection {id} closed before its conversation was dropped"
            ));
        }
        // The latest instant the word can have been said in.
        let said = life.opened + closed.duration;
        if life.dropped.is_some_and(|dropped| dropped > said) {
            self.breach(format!(
                "connection {id} was said to be closed before it was"
            ));
        }
    }

    /// Why this cause cannot be right.
    fn misjudged(&self, closed: &Closed, life: Option<&Life>, state: &State) -> Option<String> {
        let port = closed.connection.peer.port();
        let panic = life.and_then(|life| life.panic);
        let marks = &self.world.marks;
        match (&closed.cause, panic) {
            (CloseCause::Internal(_), None) if !state.doomed.contains(&port) => {
                Some("nobody panicked".to_owned())
            }
            (CloseCause::Internal(said), Some(panic)) if *said != message(panic) => {
                Some(format!("it panicked with {panic}"))
            }
            (CloseCause::Internal(_), _) => None,
            (_, Some(panic)) => Some(format!("it panicked with {panic}")),
            // An answer that is ten seconds late is taken for none.
            (CloseCause::SupervisorGone, _)
                if self.world.in_step && !Marks::is_set(&marks.supervisor_panicked) =>
            {
                Some("the supervisor lives".to_owned())
            }
            (CloseCause::Drain | CloseCause::DrainDeadline, _)
                if !Marks::is_set(&marks.shutting_down) =>
            {
                Some("nobody shut anything down".to_owned())
            }
            (CloseCause::Operator, _) if !state.told_to_close.contains(&port) => {
                Some("nobody told it to".to_owned())
            }
            _ => None,
        }
    }
}

/// Whether a conversation that was opened is still there.
fn is_alive(life: &Life) -> bool {
    life.dropped.is_none() && life.panic != Some("panic in open")
}

/// What is told of this panic.
fn message(panic: &str) -> String {
    match panic {
        // It carries no text.
        "panic in panic's payload" => "a panic without a message".to_owned(),
        panic => format!("{INJECTED}{panic}"),
    }
}

fn describe(event: &Event) -> String {
    let name = event.kind().name();
    let id = event.connection().map(|connection| connection.id);
    match event {
        Event::HandshakeFailed(failed) => format!("{name} {id:?} {}", failed.failure.cause),
        Event::Closed(closed) => format!("{name} {id:?} {}", closed.cause),
        Event::Refused(refused) => format!("{name} {id:?} {}", refused.cause),
        Event::Accepted(_) | Event::Ready(_) => format!("{name} {id:?}"),
        other => format!("{other:?}"),
    }
}
