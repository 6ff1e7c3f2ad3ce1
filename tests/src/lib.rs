//! What the tests share: peers, servers, programs to run, and readers of pages and logs.

pub mod doctor;
pub mod hello;
pub mod journal;
pub mod page;
pub mod peer;
pub mod place;
pub mod process;
pub mod provoke;
pub mod real;
pub mod server;
