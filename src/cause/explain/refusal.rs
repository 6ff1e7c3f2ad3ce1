//! What is told about a connection that was turned away.

use super::{Advice, advice};
use crate::cause::RefusalCause;

impl RefusalCause {
    /// A few words for the log line: what is full, or which rule. At most 64 characters.
    pub const fn hint(self) -> &'static str {
        told(self).hint
    }

    /// Two or three sentences: what happened, most likely why in a SIP deployment, what to do.
    /// `docs/closing-and-refusal.md` has the long form.
    pub const fn explain(self) -> &'static str {
        told(self).explanation
    }
}

const fn told(cause: RefusalCause) -> Advice {
    match cause {
        RefusalCause::ConnectionLimit => advice(
            "full: raise the limit, or look who fills it",
            "As many connections are open as may be. More phones than planned, phones that connect \
             anew without closing, or an attack. See by source who holds them, and raise the limit \
             together with the limit of open files.",
        ),
        RefusalCause::HandshakeLimit => advice(
            "a rush of handshakes, or silent clients",
            "As many handshakes are going on as may be. All phones came back at once after an \
             outage, or somebody holds connections open in silence. A rush passes by itself; for an \
             attack shorten the handshake deadline and ban the source.",
        ),
        RefusalCause::PerSourceLimit => advice(
            "one address holds too many: a NAT, or a flood",
            "The source has as many connections open as one source may. An office behind one NAT \
             address, a device that connects anew without closing, or an attack. Raise the limit \
             for that network, or correct the device.",
        ),
        RefusalCause::RateLimit => advice(
            "one address connects too fast: a loop, or a flood",
            "The source opens connections faster than one source may. A device that connects in a \
             loop because something else fails, an office coming back after an outage, or an \
             attack. Look at why its connections end: the cause is in their own lines.",
        ),
        RefusalCause::Banned => advice(
            "the source is banned",
            "The source is banned and was turned away without a word. An operator or a rule decided \
             so. Lift the ban if it is one of yours.",
        ),
        RefusalCause::MemoryBudget => advice(
            "the memory budget is used up",
            "The memory set aside for connections is used up. More phones than planned, or peers \
             that take their messages too slowly. Raise the budget or lower the limits per connection.",
        ),
        RefusalCause::Draining => advice(
            "we are shutting down",
            "We are shutting down and take no new connections. The peer will come back later or go \
             elsewhere. Nothing is to be done.",
        ),
        RefusalCause::ProxyHeaderInvalid => advice(
            "no PROXY header from the load balancer?",
            "What came from a load balancer's address is no PROXY protocol header. The load balancer \
             does not send one, or somebody else connects from its address. Switch the header on \
             (version 1 or 2), or take the address off the list of load balancers.",
        ),
        RefusalCause::ProxyHeaderTimeout => advice(
            "no PROXY header from the load balancer?",
            "The PROXY protocol header that was due did not come in time. The load balancer does not \
             send one, or its health check connects and stays silent. Switch the header on (version \
             1 or 2), for health checks too.",
        ),
        RefusalCause::ProxyHeaderUntrusted => advice(
            "not from the load balancer's address",
            "The connection comes from an address that may not speak the PROXY protocol. Somebody \
             reached the port without the load balancer, or its address changed. Correct the list \
             of trusted addresses, or close the port to others.",
        ),
    }
}
