//! What the switch may do to the outside: send on a flow, ask whether it lives, hold it open,
//! report.

use std::net::SocketAddr;

use bytes::Bytes;

use super::event::SwitchEvent;

/// One TLS connection from a peer, named for the life of the process and never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId(pub u64);

/// Where a message came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    pub flow: FlowId,
    /// The address the connection was made from; goes into `received` and `rport`.
    pub peer: SocketAddr,
}

/// Why bytes could not be queued on a flow. Both count as a transport error (RFC 3261 16.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsendable {
    /// The connection has ended.
    Gone,
    /// The peer reads too slowly: its queue is full.
    Full,
}

/// Every effect of the switch, supplied by the program around it.
pub trait Effects {
    /// Queues one whole message on a flow. Never waits.
    fn send(&mut self, flow: FlowId, message: Bytes) -> Result<(), Unsendable>;

    /// Whether the flow can still take bytes.
    fn alive(&self, flow: FlowId) -> bool;

    /// The flow got its first binding: it may be silent from now on.
    fn hold(&mut self, flow: FlowId);

    /// The flow lost its last binding. Not called for a flow that has ended.
    fn release(&mut self, flow: FlowId);

    /// The peer on this flow has proved who it is.
    fn authenticated(&mut self, flow: FlowId);

    /// Something happened that an operator wants to know.
    fn report(&mut self, event: SwitchEvent);
}
