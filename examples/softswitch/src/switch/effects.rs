//! The effects of the switch: to send on a flow, to ask whether it is open, to hold it open, to
//! report an event.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;

use super::event::SwitchEvent;

/// Identifies one TLS connection from a peer. A number is never used again within the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId(pub u64);

/// Where a message came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    pub flow: FlowId,
    /// The peer's address; it is written into `received` and `rport`.
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

/// Every effect of the switch; the program around it implements them.
pub trait Effects {
    /// Queues one whole message on a flow. Never waits.
    fn send(&mut self, flow: FlowId, message: Bytes) -> Result<(), Unsendable>;

    /// Whether the flow can still take bytes.
    fn alive(&self, flow: FlowId) -> bool;

    /// What the peer on this flow knows the switch by: `host[:port]` for Via, Record-Route and
    /// Contact. Some address of the switch if the flow has ended.
    fn address(&self, flow: FlowId) -> Arc<str>;

    /// The name that the peer on this flow asked for in its TLS handshake, which it verified the
    /// certificate by; `None` if it asked for none.
    fn server_name(&self, flow: FlowId) -> Option<Arc<str>>;

    /// Called when the flow has got its first binding. From now on it must not be closed for being
    /// silent.
    fn hold(&mut self, flow: FlowId);

    /// Called when the flow has lost its last binding. Not called for a flow that has ended.
    fn release(&mut self, flow: FlowId);

    /// Called when the peer on this flow has authenticated.
    fn authenticated(&mut self, flow: FlowId);

    /// Reports an event to the operator.
    fn report(&mut self, event: SwitchEvent);
}
