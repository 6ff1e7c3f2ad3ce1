//! An observer that keeps every event for a test.

use crate::event::{Event, EventKind};
use crate::observe::Observer;
use async_std::channel::{Receiver, Sender, unbounded};

/// Every event of a supervisor, in order. A test waits for them.
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

/// The observer that fills a [`Recorder`].
#[derive(Debug)]
struct Recording {
    events: Sender<Event>,
}

impl Recorder {
    /// A recorder, and the observer to pass to [`Builder::observer`](crate::Builder::observer).
    pub fn new() -> (Self, impl Observer) {
        let (sender, events) = unbounded();
        (Self { events }, Recording { events: sender })
    }

    /// Waits for the next event.
    ///
    /// # Panics
    /// When the supervisor has ended and no event is left.
    pub async fn next(&self) -> Event {
        match self.events.recv().await {
            Ok(event) => event,
            Err(_) => panic!("the supervisor has ended; there are no more events"),
        }
    }

    /// Waits for the next event of this kind, and drops the events before it.
    ///
    /// # Panics
    /// When the supervisor has ended and no such event is left.
    pub async fn next_of(&self, kind: EventKind) -> Event {
        loop {
            let event = self.next().await;
            if event.kind() == kind {
                return event;
            }
        }
    }

    /// Waits for the end of the supervisor, and returns all events that were not taken before.
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
        // The test may have dropped its recorder.
        let _ = self.events.try_send(event.clone());
    }
}
