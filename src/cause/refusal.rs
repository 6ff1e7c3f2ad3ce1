//! Why a connection was turned away before its handshake: one row for each cause.

use log::Level;
use std::fmt;

/// What is known of one cause.
pub(super) struct RefusalRow {
    pub(super) level: Level,
    pub(super) hint: &'static str,
    pub(super) explanation: &'static str,
}

causes! {
    /// Which rule turned a connection away.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum RefusalCause: RefusalRow {
        /// As many connections are open as may be.
        ConnectionLimit = "connection_limit" {
            level: Level::Warn,
            hint: "full: raise the limit, or look who fills it",
            explanation: "As many connections are open as may be. More phones than planned, phones that \
                connect anew without closing, or an attack. See by source who holds them, and raise the limit \
                together with the limit of open files.",
        }
        /// As many handshakes are going on as may be.
        HandshakeLimit = "handshake_limit" {
            level: Level::Warn,
            hint: "a rush of handshakes, or silent clients",
            explanation: "As many handshakes are going on as may be. All phones came back at once after an \
                outage, or somebody holds connections open in silence. A rush passes by itself; for an attack \
                shorten the handshake deadline and ban the source.",
        }
        /// The source has as many connections open as one source may.
        PerSourceLimit = "per_source_limit" {
            level: Level::Warn,
            hint: "one address holds too many: a NAT, or a flood",
            explanation: "The source has as many connections open as one source may. An office behind one NAT \
                address, a device that connects anew without closing, or an attack. Raise the limit for that \
                network, or correct the device.",
        }
        /// The source opens connections faster than one source may.
        RateLimit = "rate_limit" {
            level: Level::Warn,
            hint: "one address connects too fast: a loop, or a flood",
            explanation: "The source opens connections faster than one source may. A device that connects in a \
                loop because something else fails, an office coming back after an outage, or an attack. Look \
                at why its connections end: the cause is in their own lines.",
        }
        /// The source is banned.
        Banned = "banned" {
            level: Level::Debug,
            hint: "the source is banned",
            explanation: "The source is banned and was turned away without a word. An operator or a rule \
                decided so. Lift the ban if it is one of yours.",
        }
        /// The memory budget is used up.
        MemoryBudget = "memory_budget" {
            level: Level::Warn,
            hint: "the memory budget is used up",
            explanation: "The memory set aside for connections is used up. More phones than planned, or peers \
                that take their messages too slowly. Raise the budget or lower the limits per connection.",
        }
        /// We are shutting down.
        Draining = "draining" {
            level: Level::Debug,
            hint: "we are shutting down",
            explanation: "We are shutting down and take no new connections. The peer will come back later or \
                go elsewhere. Nothing is to be done.",
        }
        /// The PROXY protocol header that was due cannot be read.
        ProxyHeaderInvalid = "proxy_header_invalid" {
            level: Level::Warn,
            hint: "no PROXY header from the load balancer?",
            explanation: "What came from a load balancer's address is no PROXY protocol header. The load \
                balancer does not send one, or somebody else connects from its address. Switch the header on \
                (version 1 or 2), or take the address off the list of load balancers.",
        }
        /// The PROXY protocol header that was due did not come in time.
        ProxyHeaderTimeout = "proxy_header_timeout" {
            level: Level::Warn,
            hint: "no PROXY header from the load balancer?",
            explanation: "The PROXY protocol header that was due did not come in time. The load balancer does \
                not send one, or its health check connects and stays silent. Switch the header on (version 1 \
                or 2), for health checks too.",
        }
        /// The connection comes from an address that may not speak the PROXY protocol.
        ProxyHeaderUntrusted = "proxy_header_untrusted" {
            level: Level::Warn,
            hint: "not from the load balancer's address",
            explanation: "The connection comes from an address that may not speak the PROXY protocol. Somebody \
                reached the port without the load balancer, or its address changed. Correct the list of \
                trusted addresses, or close the port to others.",
        }
    }
}

impl RefusalCause {
    /// The level its log line has unless an operator says otherwise.
    pub const fn level(self) -> Level {
        self.row().level
    }

    /// A few words for the log line: what is full, or which rule. At most 64 characters.
    pub const fn hint(self) -> &'static str {
        self.row().hint
    }

    /// Two or three sentences: what happened, most likely why in a SIP deployment, what to do.
    /// `docs/closing-and-refusal.md` has the long form.
    pub const fn explain(self) -> &'static str {
        self.row().explanation
    }
}

impl fmt::Display for RefusalCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
