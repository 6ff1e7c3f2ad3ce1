//! The floor's answers on sipward's sessions, with a task that takes snapshots and lists all
//! sessions again and again. It shows how much that delays answers.
//!
//! Its third argument is the pause of that task in milliseconds; 0 for no such task.

use async_std::task;
use sipward::control::SessionFilter;
use sipward::sip::Message;
use sipward::{
    AdmissionLimits, Application, Flow, Handle, Ready, SipSession, Supervisor, TlsPolicy,
};
use std::error::Error;
use std::future::pending;
use std::time::Duration;

/// The number of sessions in a page.
const PAGE: usize = 1_000;

struct AnswerAll;

struct Session(Flow);

impl Application for AnswerAll {
    type Session = Session;

    fn open(&self, _: &Ready, flow: Flow) -> Session {
        Session(flow)
    }
}

impl SipSession for Session {
    async fn message(&mut self, message: Message) {
        let mut answer = Vec::new();
        sipward_compare::answer(message.head(), &mut answer);
        // Sending fails when the session has ended, and then there is no one to answer.
        let _ = self.0.send(answer);
    }
}

#[async_std::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let pause = std::env::args().nth(3).unwrap_or_default().parse()?;
    let [certificate, key] = sipward_compare::identity()?;
    let mut limits = AdmissionLimits::default();
    limits.connections = usize::MAX;
    limits.exempt = vec!["127.0.0.0/8".parse()?];
    let handle = Supervisor::builder(TlsPolicy::from_pem(&certificate, &key)?)
        .listen("127.0.0.1:0")
        .limits(limits)
        .application(AnswerAll)
        .start()
        .await?;
    println!("{}", handle.listeners()[0]);
    match pause {
        0 => pending().await,
        pause => poll(&handle, Duration::from_millis(pause)).await,
    }
}

/// Takes a snapshot and lists all sessions, again and again.
async fn poll(handle: &Handle, pause: Duration) -> Result<(), Box<dyn Error>> {
    loop {
        handle.snapshot().await?;
        let mut after = None;
        loop {
            let page = handle
                .sessions(SessionFilter::default(), after, PAGE)
                .await?;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        task::sleep(pause).await;
    }
}
