//! What operators and fate do to a whole system.

use super::history::{History, SOURCE};
use super::world::Marks;
use sipward::control::{Drain, SessionFilter, Shutdown};
use sipward_tests::peer::request;
use std::time::Duration;

impl History {
    /// Something an operator does and that the system survives.
    pub async fn steer(&mut self) {
        let Some(handle) = self.handle.clone() else {
            return;
        };
        match self.chance.below(6) {
            0 => {
                let grace = Duration::from_secs(self.chance.pick(&[0, 1, 10]));
                self.did(format!("close all, with {grace:?}"));
                self.world.tally.injected("close by handle");
                self.close_all(grace).await;
            }
            1 => {
                self.did("list sessions".to_owned());
                self.world.tally.injected("sessions listed");
                let _ = handle.sessions(SessionFilter::default(), None, 3).await;
            }
            2 => {
                self.did("pause the listener".to_owned());
                self.world.tally.injected("pause");
                let _ = handle.pause(None).await;
            }
            3 => {
                self.did("resume the listener".to_owned());
                self.world.tally.injected("resume");
                let _ = handle.resume(None).await;
            }
            4 => {
                let lasts = self.chance.pick(&[0, 5, 60]);
                self.did(format!("ban the source for {lasts} s"));
                self.world.tally.injected("ban");
                let _ = handle.ban(SOURCE, Some(Duration::from_secs(lasts))).await;
            }
            _ => {
                self.did("send by handle".to_owned());
                self.world.tally.injected("message by handle");
                let page = handle.sessions(SessionFilter::default(), None, 0).await;
                for session in page.map(|page| page.sessions).unwrap_or_default() {
                    let message = request("INFO", &"x".repeat(400));
                    let _ = handle.send(session.connection.id, message).await;
                }
            }
        }
    }

    /// Something that ends the system.
    pub async fn end_it(&mut self) {
        let Some(handle) = self.handle.clone() else {
            return;
        };
        if self.chance.one_in(2) {
            // Somebody is just about to be ready.
            let turns = self.chance.below(12);
            self.did(format!("all who are new shake hands for {turns} turns"));
            for client in self.clients.iter_mut().filter(|client| !client.begun) {
                client.begun = true;
            }
            self.turns(turns).await;
        }
        if self.chance.one_in(2) {
            // Somebody is at the door: accepted, and perhaps not yet known to be.
            self.dial();
            self.turns(1).await;
        }
        if self.chance.one_in(3) {
            let deadline = Duration::from_secs(self.chance.pick(&[0, 2, 8]));
            self.did(format!("drain within {deadline:?}"));
            self.world.tally.injected("drain");
            Marks::set(&self.world.marks.shutting_down);
            let told = handle.address().send(Drain { deadline }).detach();
            let _ = told.await;
        } else if self.chance.one_in(2) {
            let deadline = Duration::from_secs(self.chance.pick(&[0, 2, 8]));
            self.did(format!("shut down within {deadline:?}"));
            self.world.tally.injected("shutdown");
            Marks::set(&self.world.marks.shutting_down);
            let told = handle.address().send(Shutdown { deadline }).detach();
            let _ = told.await;
        } else if self.serves() {
            self.did("the supervisor panics".to_owned());
            self.world.tally.injected("panic in supervisor");
            Marks::set(&self.world.marks.supervisor_panicked);
            handle.panic_supervisor().await;
        }
    }
}
