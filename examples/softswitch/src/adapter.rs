//! Connects sipward's sessions to the switch: passes each session's messages in, and sends what the
//! switch decides on the flows.

use crate::addresses::Addresses;
use crate::records::{EventLog, EventStream};
use crate::switch::{Effects, FlowId, Incoming, Source, Switch, SwitchEvent, Unsendable};
use async_std::task;
use bytes::Bytes;
use rustc_hash::{FxHashMap, FxHashSet};
use sipward::sip::Message;
use sipward::{Application, Busy, Flow, KeepOpen, Ready, SendError, SipSession};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::time::{Duration, Instant, SystemTime};

/// How often the switch's timers are checked. The shortest of them is 32 s, so this is exact
/// enough.
const TIMER_INTERVAL: Duration = Duration::from_millis(250);

/// The switch and the flows it sends on. Its lock is held for the microsecond or two that the
/// switch takes for one message; no code waits for anything else while it holds the lock.
pub struct Adapter {
    core: Mutex<Core>,
}

struct Core {
    switch: Switch,
    flows: Flows,
}

struct Flows {
    open: FxHashMap<FlowId, OpenFlow>,
    addresses: Addresses,
    /// Whether the operator has been told that phones cannot reach a private address.
    has_warned: bool,
    events: EventStream,
    log: EventLog,
}

struct OpenFlow {
    flow: Flow,
    /// What the peer knows the switch by.
    address: Arc<str>,
    server_name: Option<Arc<str>>,
    /// Held while a binding names the flow, so that sipward does not close it for being silent.
    held: Option<KeepOpen>,
    /// Held while a call runs over the flow, so that a drain waits for it.
    busy: Option<Busy>,
}

impl Adapter {
    /// Also starts the task that runs the switch's timers; it ends when the adapter is dropped.
    pub fn start(
        switch: Switch,
        addresses: Addresses,
        events: EventStream,
        log: EventLog,
    ) -> Arc<Self> {
        let flows = Flows {
            open: FxHashMap::default(),
            addresses,
            has_warned: false,
            events,
            log,
        };
        let adapter = Arc::new(Self {
            core: Mutex::new(Core { switch, flows }),
        });
        task::spawn(run_timers(Arc::downgrade(&adapter)));
        adapter
    }

    /// The core, or `None` while another thread has locked it.
    fn try_core(&self) -> Option<MutexGuard<'_, Core>> {
        match self.core.try_lock() {
            Ok(core) => Some(core),
            Err(TryLockError::Poisoned(core)) => Some(core.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn core(&self) -> MutexGuard<'_, Core> {
        // A panic in the handling of one message must not stop the handling of all others.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn run_timers(adapter: Weak<Adapter>) {
    loop {
        task::sleep(TIMER_INTERVAL).await;
        let Some(adapter) = adapter.upgrade() else {
            return;
        };
        let now = Instant::now();
        let Core { switch, flows } = &mut *adapter.core();
        if switch.next_timeout().is_some_and(|at| at <= now) {
            switch.tick(now, flows);
        }
        if switch.is_draining() {
            flows.mark_busy(switch);
        }
    }
}

impl Flows {
    /// Tells sipward which connections carry calls, because a drain waits for these.
    fn mark_busy(&mut self, switch: &Switch) {
        let in_calls: FxHashSet<FlowId> = switch.flows_in_calls().collect();
        for (flow, open) in &mut self.open {
            if in_calls.contains(flow) {
                open.busy.get_or_insert_with(|| open.flow.busy());
            } else {
                open.busy = None;
            }
        }
    }
}

impl Effects for Flows {
    fn send(&mut self, flow: FlowId, message: Bytes) -> Result<(), Unsendable> {
        let open = self.open.get(&flow).ok_or(Unsendable::Gone)?;
        open.flow.send(message).map_err(|error| match error {
            SendError::Full(_) => Unsendable::Full,
            _ => Unsendable::Gone,
        })
    }

    fn alive(&self, flow: FlowId) -> bool {
        self.open.get(&flow).is_some_and(|open| open.flow.is_open())
    }

    fn address(&self, flow: FlowId) -> Arc<str> {
        match self.open.get(&flow) {
            Some(open) => Arc::clone(&open.address),
            None => self.addresses.fallback(),
        }
    }

    fn server_name(&self, flow: FlowId) -> Option<Arc<str>> {
        self.open.get(&flow)?.server_name.clone()
    }

    fn hold(&mut self, flow: FlowId) {
        let Some(open) = self.open.get_mut(&flow) else {
            return;
        };
        open.held.get_or_insert_with(|| open.flow.keep_open());
        let connection = open.flow.connection();
        if !self.has_warned
            && let Some(local) = self.addresses.unreachable(connection)
        {
            let source = connection.peer;
            self.has_warned = true;
            self.report(SwitchEvent::PrivateAddress { local, source });
        }
    }

    fn release(&mut self, flow: FlowId) {
        if let Some(open) = self.open.get_mut(&flow) {
            open.held = None;
        }
    }

    fn authenticated(&mut self, flow: FlowId) {
        if let Some(open) = self.open.get(&flow) {
            open.flow.mark_authenticated();
        }
    }

    fn report(&mut self, event: SwitchEvent) {
        self.events.report(&event);
        self.log.report(event);
    }
}

/// The adapter as sipward's application: makes a session for each connection.
pub struct SwitchApplication {
    adapter: Arc<Adapter>,
}

impl SwitchApplication {
    pub fn new(adapter: Arc<Adapter>) -> Self {
        Self { adapter }
    }
}

impl Application for SwitchApplication {
    type Session = SwitchSession;

    fn open(&self, ready: &Ready, flow: Flow) -> SwitchSession {
        let source = Source {
            flow: FlowId(flow.id().number()),
            peer: flow.connection().peer,
        };
        let mut core = self.adapter.core();
        let address = core.flows.addresses.of(flow.connection());
        let open = OpenFlow {
            flow,
            address,
            server_name: ready.tls.sni.as_deref().map(Arc::from),
            held: None,
            busy: None,
        };
        core.flows.open.insert(source.flow, open);
        drop(core);
        SwitchSession {
            adapter: Arc::clone(&self.adapter),
            source,
        }
    }

    fn draining(&self, _deadline: Duration) {
        let Core { switch, flows } = &mut *self.adapter.core();
        switch.drain();
        flows.mark_busy(switch);
    }
}

/// One peer's connection; its messages go to the switch.
pub struct SwitchSession {
    adapter: Arc<Adapter>,
    source: Source,
}

impl SipSession for SwitchSession {
    async fn message(&mut self, message: Message) {
        let (now, wall) = (Instant::now(), SystemTime::now());
        let incoming = Incoming::read(self.source, &message);
        loop {
            if let Some(mut core) = self.adapter.try_core() {
                let Core { switch, flows } = &mut *core;
                return switch.receive(&incoming, now, wall, flows);
            }
            // While another thread holds the switch, this one runs other sessions: that costs less
            // than blocking it.
            task::yield_now().await;
        }
    }
}

impl Drop for SwitchSession {
    /// Bindings are removed in `Drop`, so that they end with their flow even after a panic.
    fn drop(&mut self) {
        let Core { switch, flows } = &mut *self.adapter.core();
        flows.open.remove(&self.source.flow);
        switch.flow_ended(self.source.flow, Instant::now(), flows);
    }
}
