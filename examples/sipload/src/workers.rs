//! The threads of a run, each with its share of the clients.

use crate::client::half_open::HalfOpenClient;
use crate::client::handshake::HandshakeClient;
use crate::client::holding::HoldingClient;
use crate::client::scenario::ScenarioClient;
use crate::client::{Client, Tokens};
use crate::failure::Failure;
use crate::identifiers::Identifiers;
use crate::phases::Phases;
use crate::plan::{Plan, Work};
use crate::scenario::Scenario;
use crate::scenario::call::Call;
use crate::scenario::options::Options;
use crate::scenario::ping::Ping;
use crate::scenario::register::Register;
use crate::scenario::registration::Registration;
use crate::scenario::silence::Silence;
use crate::stats::Stats;
use crate::trust::ClientTls;
use crate::worker::{WorkerConfig, run_worker};
use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

/// The threads, one a worker.
pub struct Workers(Vec<JoinHandle<io::Result<Stats>>>);

impl Workers {
    /// Starts the threads.
    ///
    /// # Errors
    /// [`Failure`] when the TLS client cannot be configured or a thread cannot be started.
    pub fn start(plan: &Plan, run_id: u32, phases: &Arc<Phases>) -> Result<Self, Failure> {
        let shared = Arc::new(plan.trust.client_tls(false)?);
        let scenario_workers = ScenarioWorkers {
            plan,
            phases,
            run_id,
            tls: &shared,
        };
        match &plan.work {
            Work::Handshake { resuming } => spawn(plan, phases, |_, slot| {
                let tls = plan.trust.client_tls(*resuming)?;
                Ok(HandshakeClient::new(tls, Tokens::of(slot), *resuming))
            }),
            Work::Idle(None) => spawn(plan, phases, |_, slot| {
                let client = ScenarioClient::new(Silence, Arc::clone(&shared), Tokens::of(slot));
                Ok(HoldingClient::new(client))
            }),
            Work::Idle(Some(accounts)) => spawn(plan, phases, |number, slot| {
                let ids = Identifiers::new(run_id, number);
                let registration = Registration::new(accounts.of(number), ids, 0);
                let scenario = Register::new(registration);
                let client = ScenarioClient::new(scenario, Arc::clone(&shared), Tokens::of(slot));
                Ok(HoldingClient::new(client))
            }),
            Work::HalfOpen => spawn(plan, phases, |_, slot| {
                Ok(HalfOpenClient::new(Tokens::of(slot)))
            }),
            Work::Options => scenario_workers.start(|_, ids| Options::new(ids, &plan.domain)),
            Work::Ping => scenario_workers.start(|_, _| Ping),
            Work::Register(accounts) => scenario_workers
                .start(|number, ids| Register::new(Registration::new(accounts.of(number), ids, 0))),
            Work::Call(accounts) => scenario_workers.start(|number, ids| {
                let parties = [accounts.of(number * 2), accounts.of(number * 2 + 1)];
                Call::new(parties, ids)
            }),
        }
    }

    /// Waits until the threads have ended and returns the sum of what they measured.
    ///
    /// # Errors
    /// When a thread could not poll its sockets, or panicked.
    pub fn join(self) -> io::Result<Stats> {
        let mut sum = Stats::default();
        for thread in self.0 {
            let panicked = |_| io::Error::other("a thread of the generator panicked");
            sum.add(&thread.join().map_err(panicked)??);
        }
        Ok(sum)
    }

    /// True until the first thread ends.
    pub fn all_running(&self) -> bool {
        !self.0.iter().any(JoinHandle::is_finished)
    }
}

/// What all clients that run a scenario have in common.
struct ScenarioWorkers<'a> {
    plan: &'a Plan,
    phases: &'a Arc<Phases>,
    run_id: u32,
    tls: &'a Arc<ClientTls>,
}

impl ScenarioWorkers<'_> {
    fn start<D: Scenario + 'static>(
        &self,
        scenario: impl Fn(usize, Identifiers) -> D,
    ) -> Result<Workers, Failure> {
        spawn(self.plan, self.phases, |number, slot| {
            let scenario = scenario(number, Identifiers::new(self.run_id, number));
            Ok(ScenarioClient::new(
                scenario,
                Arc::clone(self.tls),
                Tokens::of(slot),
            ))
        })
    }
}

/// Starts the workers and gives each its share of the clients. `client` makes a client from its
/// number in the run and its number at its worker.
fn spawn<S: Client + 'static>(
    plan: &Plan,
    phases: &Arc<Phases>,
    client: impl Fn(usize, usize) -> Result<S, Failure>,
) -> Result<Workers, Failure> {
    let config = WorkerConfig {
        endpoint: plan.endpoint.clone(),
        rate: plan.rate.map(|rate| rate / plan.threads as f64),
        timeout: plan.timeout,
        opens_connections: plan.work.holds(),
    };
    let mut threads = Vec::new();
    for worker in 0..plan.threads {
        let numbers = (worker..plan.clients()).step_by(plan.threads);
        let clients: Result<Vec<S>, Failure> = numbers
            .enumerate()
            .map(|(slot, number)| client(number, slot))
            .collect();
        let (clients, config, phases) = (clients?, config.clone(), Arc::clone(phases));
        let thread = Builder::new()
            .name(format!("sipload-{worker}"))
            .spawn(move || run_worker(worker, clients, &config, &phases))
            .map_err(|error| Failure::Io(error.to_string()))?;
        threads.push(thread);
    }
    Ok(Workers(threads))
}
