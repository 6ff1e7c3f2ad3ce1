//! Between sipward and the switch: each session's messages go in, what the switch decides goes out
//! on the flows.

use crate::events::EventStream;
use crate::journal::Journal;
use crate::switch::{FlowId, Incoming, Source, Switch, SwitchEvent, Unsendable, World};
use async_std::task;
use bytes::Bytes;
use rustc_hash::{FxHashMap, FxHashSet};
use sipward::sip::Message;
use sipward::{Application, Busy, Flow, KeepOpen, Ready, SendError, SipSession};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::time::{Duration, Instant, SystemTime};

/// How exact the switch's timers are; the shortest is 32 s.
const TICK: Duration = Duration::from_millis(250);

/// The switch and the flows it sends on. Its lock is held for the microsecond or two that
/// deciding about one message takes; nothing waits while holding it.
pub struct Exchange {
    core: Mutex<Core>,
}

struct Core {
    switch: Switch,
    flows: Flows,
}

struct Flows {
    open: FxHashMap<FlowId, Line>,
    events: EventStream,
    journal: Journal,
}

struct Line {
    flow: Flow,
    /// While a binding names the flow, silence on it is no reason to close it.
    held: Option<KeepOpen>,
    /// While a call goes on over it, a drain waits for it.
    busy: Option<Busy>,
}

impl Exchange {
    /// Starts its clock too, which stops when the exchange is dropped.
    pub fn start(switch: Switch, events: EventStream, journal: Journal) -> Arc<Self> {
        let flows = Flows {
            open: FxHashMap::default(),
            events,
            journal,
        };
        let exchange = Arc::new(Self {
            core: Mutex::new(Core { switch, flows }),
        });
        task::spawn(keep_time(Arc::downgrade(&exchange)));
        exchange
    }

    /// The core, if nobody has it now.
    fn free_core(&self) -> Option<MutexGuard<'_, Core>> {
        match self.core.try_lock() {
            Ok(core) => Some(core),
            Err(TryLockError::Poisoned(core)) => Some(core.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn core(&self) -> MutexGuard<'_, Core> {
        // A panic while deciding about one message must not stop all others.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn keep_time(exchange: Weak<Exchange>) {
    loop {
        task::sleep(TICK).await;
        let Some(exchange) = exchange.upgrade() else {
            return;
        };
        let now = Instant::now();
        let Core { switch, flows } = &mut *exchange.core();
        if switch.next_timeout().is_some_and(|at| at <= now) {
            switch.tick(now, flows);
        }
        if switch.is_draining() {
            flows.mark_busy(switch);
        }
    }
}

impl Flows {
    /// Lets a drain know which connections carry calls.
    fn mark_busy(&mut self, switch: &Switch) {
        let in_calls: FxHashSet<FlowId> = switch.flows_in_calls().collect();
        for (flow, line) in &mut self.open {
            if in_calls.contains(flow) {
                line.busy.get_or_insert_with(|| line.flow.busy());
            } else {
                line.busy = None;
            }
        }
    }
}

impl World for Flows {
    fn send(&mut self, flow: FlowId, message: Bytes) -> Result<(), Unsendable> {
        let line = self.open.get(&flow).ok_or(Unsendable::Gone)?;
        line.flow.send(message).map_err(|error| match error {
            SendError::Full(_) => Unsendable::Full,
            SendError::Closed(_) => Unsendable::Gone,
        })
    }

    fn alive(&self, flow: FlowId) -> bool {
        self.open.get(&flow).is_some_and(|line| line.flow.is_open())
    }

    fn hold(&mut self, flow: FlowId) {
        if let Some(line) = self.open.get_mut(&flow) {
            line.held.get_or_insert_with(|| line.flow.keep_open());
        }
    }

    fn release(&mut self, flow: FlowId) {
        if let Some(line) = self.open.get_mut(&flow) {
            line.held = None;
        }
    }

    fn authenticated(&mut self, flow: FlowId) {
        if let Some(line) = self.open.get(&flow) {
            line.flow.mark_authenticated();
        }
    }

    fn report(&mut self, event: SwitchEvent) {
        self.events.report(&event);
        self.journal.report(event);
    }
}

/// The exchange as sipward sees it.
pub struct Front {
    exchange: Arc<Exchange>,
}

impl Front {
    pub fn new(exchange: Arc<Exchange>) -> Self {
        Self { exchange }
    }
}

impl Application for Front {
    type Session = Conversation;

    fn open(&self, _ready: &Ready, flow: Flow) -> Conversation {
        let source = Source {
            flow: FlowId(flow.id().number()),
            peer: flow.connection().peer,
        };
        let line = Line {
            flow,
            held: None,
            busy: None,
        };
        self.exchange.core().flows.open.insert(source.flow, line);
        Conversation {
            exchange: Arc::clone(&self.exchange),
            source,
        }
    }

    fn draining(&self, _deadline: Duration) {
        let Core { switch, flows } = &mut *self.exchange.core();
        switch.drain();
        flows.mark_busy(switch);
    }
}

/// One peer's connection.
pub struct Conversation {
    exchange: Arc<Exchange>,
    source: Source,
}

impl SipSession for Conversation {
    async fn message(&mut self, message: Message) {
        let head = message.head().len();
        let message = message.into_bytes();
        let (now, wall) = (Instant::now(), SystemTime::now());
        let decide = |message: Incoming<'_>| {
            let Some(mut core) = self.exchange.free_core() else {
                return false;
            };
            let Core { switch, flows } = &mut *core;
            switch.receive(message, now, wall, flows);
            true
        };
        // While another message is decided, other sessions get the thread: that is cheaper than to have
        // it sleep.
        while !Incoming::read(self.source, &message, head, decide) {
            task::yield_now().await;
        }
    }
}

impl Drop for Conversation {
    /// In `Drop`, so that bindings end with their flow even after a panic.
    fn drop(&mut self) {
        let Core { switch, flows } = &mut *self.exchange.core();
        flows.open.remove(&self.source.flow);
        switch.flow_ended(self.source.flow, Instant::now(), flows);
    }
}
