//! Keeps every event it is shown.

use crate::event::{Event, EventKind};
use crate::observe::Observer;
use async_std::channel::{Receiver, Sender, unbounded};

/// An observer's far end: every event, in order, to be awaited.
///
/// ```
/// use sipward::testing::Recorder;
/// let (recorder, observer) = Recorder::new();
/// # let _ = (recorder, observer);
/// ```
#[derive(Debug)]
pub struct Recorder {
    events: Receiver<Event>,
}

/// The observer to register.
#[derive(Debug)]
struct Recording {
    events: Sender<Event>,
}

impl Recorder {
    /// A recorder and the observer that feeds it.
    pub fn new() -> (Self, impl Observer) {
        let (sender, events) = unbounded();
        (Self { events }, Recording { events: sender })
    }

    /// The next event.
    ///
    /// # Panics
    /// After the last: the supervisor is gone and a test that waits for more has failed.
    pub async fn next(&self) -> Event {
        match self.events.recv().await {
            Ok(event) => event,
            Err(_) => panic!("the supervisor has ended; there are no more events"),
        }
    }

    /// The next event of this kind; others before it are passed over.
    ///
    /// # Panics
    /// After the last event.
    pub async fn next_of(&self, kind: EventKind) -> Event {
        loop {
            let event = self.next().await;
            if event.kind() == kind {
                return event;
            }
        }
    }

    /// Every event up to the end of the supervisor.
    pub async fn rest(&self) -> Vec<Event> {
        let mut rest = Vec::new();
        while let Ok(event) = self.events.recv().await {
            rest.push(event);
        }
        rest
    }
}

impl Observer for Recording {
    fn observe(&mut self, event: &Event) {
        // A test may stop looking.
        let _ = self.events.try_send(event.clone());
    }
}
