//! The floor's answers on sipward's sessions, beside somebody who keeps asking for figures and lists:
//! does looking at many sessions hold up what they say?
//!
//! Its third word is how many milliseconds are between two looks; 0 for none.

use async_std::task;
use sipward::control::SessionFilter;
use sipward::sip::Message;
use sipward::{
    AdmissionLimits, Application, Flow, Handle, Ready, SipSession, Supervisor, TlsPolicy,
};
use std::error::Error;
use std::future::pending;
use std::time::Duration;

/// Sessions a page of the list has.
const PAGE: usize = 1_000;

struct Floor;

struct Conversation(Flow);

impl Application for Floor {
    type Session = Conversation;

    fn open(&self, _: &Ready, flow: Flow) -> Conversation {
        Conversation(flow)
    }
}

impl SipSession for Conversation {
    async fn message(&mut self, message: Message) {
        let mut answer = Vec::new();
        sipward_compare::answer(message.head(), &mut answer);
        // Who does not take it has gone.
        let _ = self.0.send(answer);
    }
}

#[async_std::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let between = std::env::args().nth(3).unwrap_or_default().parse()?;
    let [certificate, key] = sipward_compare::identity()?;
    let mut limits = AdmissionLimits::default();
    limits.connections = usize::MAX;
    limits.exempt = vec!["127.0.0.0/8".parse()?];
    let handle = Supervisor::builder(TlsPolicy::from_pem(&certificate, &key)?)
        .listen("127.0.0.1:0")
        .limits(limits)
        .application(Floor)
        .start()
        .await?;
    println!("{}", handle.listeners()[0]);
    match between {
        0 => pending().await,
        between => look(&handle, Duration::from_millis(between)).await,
    }
}

/// All figures and all sessions, again and again.
async fn look(handle: &Handle, between: Duration) -> Result<(), Box<dyn Error>> {
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
        task::sleep(between).await;
    }
}
