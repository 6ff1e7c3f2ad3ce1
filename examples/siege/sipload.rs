//! What siege shares with sipload: SIP as a client speaks it, trust, and looks at a process.

#![allow(dead_code, reason = "sipload uses the rest")]

#[path = "../sipload/accounts.rs"]
pub mod accounts;
#[path = "../sipload/descriptors.rs"]
pub mod descriptors;
#[path = "../sipload/digest.rs"]
pub mod digest;
#[path = "../sipload/failure.rs"]
pub mod failure;
#[path = "../sipload/interrupt.rs"]
pub mod interrupt;
#[path = "../sipload/names.rs"]
pub mod names;
#[path = "../sipload/process.rs"]
pub mod process;
#[path = "../sipload/progress.rs"]
pub mod progress;
#[path = "../sipload/dialogue/registration.rs"]
pub mod registration;
#[path = "../sipload/sip.rs"]
pub mod sip;
#[path = "../sipload/tickets.rs"]
pub mod tickets;
#[path = "../sipload/trust.rs"]
pub mod trust;
