//! The workers and what each of them is given to do.

use crate::course::Course;
use crate::dialogue::Dialogue;
use crate::dialogue::call::Call;
use crate::dialogue::options::Options;
use crate::dialogue::ping::Ping;
use crate::dialogue::register::Register;
use crate::dialogue::registration::Registration;
use crate::dialogue::silence::Silence;
use crate::failure::Failure;
use crate::names::Names;
use crate::plan::{Plan, Work};
use crate::station::half_open::HalfOpen;
use crate::station::handshaker::Handshaker;
use crate::station::holder::Holder;
use crate::station::talker::Talker;
use crate::station::{Station, Tokens};
use crate::tally::Tally;
use crate::trust::Identity;
use crate::worker::{Orders, work};
use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

/// Threads at work.
pub struct Crew(Vec<JoinHandle<io::Result<Tally>>>);

impl Crew {
    /// Sets the threads to work.
    ///
    /// # Errors
    /// [`Failure`] when there is no TLS to be had or no thread.
    pub fn start(plan: &Plan, run: u32, course: &Arc<Course>) -> Result<Self, Failure> {
        let shared = Arc::new(plan.trust.identity(false)?);
        let talk = Talk {
            plan,
            course,
            run,
            identity: &shared,
        };
        match &plan.work {
            Work::Handshake { resuming } => spawn(plan, course, |_, seat| {
                let identity = plan.trust.identity(*resuming)?;
                Ok(Handshaker::new(identity, Tokens::of(seat), *resuming))
            }),
            Work::Idle(None) => spawn(plan, course, |_, seat| {
                let talker = Talker::new(Silence, Arc::clone(&shared), Tokens::of(seat));
                Ok(Holder::new(talker))
            }),
            Work::Idle(Some(accounts)) => spawn(plan, course, |number, seat| {
                let names = Names::new(run, number);
                let registration = Registration::new(accounts.of(number), names, 0);
                let dialogue = Register::new(registration);
                let talker = Talker::new(dialogue, Arc::clone(&shared), Tokens::of(seat));
                Ok(Holder::new(talker))
            }),
            Work::HalfOpen => spawn(plan, course, |_, seat| Ok(HalfOpen::new(Tokens::of(seat)))),
            Work::Options => talk.over(|_, names| Options::new(names, &plan.domain)),
            Work::Ping => talk.over(|_, _| Ping),
            Work::Register(accounts) => talk.over(|number, names| {
                Register::new(Registration::new(accounts.of(number), names, 0))
            }),
            Work::Call(accounts) => talk.over(|number, names| {
                let parties = [accounts.of(number * 2), accounts.of(number * 2 + 1)];
                Call::new(parties, names)
            }),
        }
    }

    /// Waits for the threads' end, and gives all they measured.
    ///
    /// # Errors
    /// When a thread could not poll its sockets, or panicked.
    pub fn end(self) -> io::Result<Tally> {
        let mut sum = Tally::default();
        for thread in self.0 {
            let panicked = |_| io::Error::other("a thread of the generator panicked");
            sum.add(&thread.join().map_err(panicked)??);
        }
        Ok(sum)
    }

    /// True while all threads are there.
    pub fn is_whole(&self) -> bool {
        !self.0.iter().any(JoinHandle::is_finished)
    }
}

/// What dialogues over lasting connections have in common.
struct Talk<'a> {
    plan: &'a Plan,
    course: &'a Arc<Course>,
    run: u32,
    identity: &'a Arc<Identity>,
}

impl Talk<'_> {
    fn over<D: Dialogue + 'static>(
        &self,
        dialogue: impl Fn(usize, Names) -> D,
    ) -> Result<Crew, Failure> {
        spawn(self.plan, self.course, |number, seat| {
            let dialogue = dialogue(number, Names::new(self.run, number));
            Ok(Talker::new(
                dialogue,
                Arc::clone(self.identity),
                Tokens::of(seat),
            ))
        })
    }
}

/// Deals the stations out to threads. `station` makes the one with this number in the run, which
/// has this seat at its worker.
fn spawn<S: Station + 'static>(
    plan: &Plan,
    course: &Arc<Course>,
    station: impl Fn(usize, usize) -> Result<S, Failure>,
) -> Result<Crew, Failure> {
    let orders = Orders {
        dial: plan.dial.clone(),
        rate: plan.rate.map(|rate| rate / plan.threads as f64),
        timeout: plan.timeout,
        gently: plan.work.holds(),
    };
    let mut threads = Vec::new();
    for worker in 0..plan.threads {
        let numbers = (worker..plan.stations()).step_by(plan.threads);
        let stations: Result<Vec<S>, Failure> = numbers
            .enumerate()
            .map(|(seat, number)| station(number, seat))
            .collect();
        let (stations, orders, course) = (stations?, orders.clone(), Arc::clone(course));
        let thread = Builder::new()
            .name(format!("sipload-{worker}"))
            .spawn(move || self::work(worker, stations, &orders, &course))
            .map_err(|error| Failure::Io(error.to_string()))?;
        threads.push(thread);
    }
    Ok(Crew(threads))
}
