//! Why a connection was turned away before its handshake.

use log::Level;
use std::fmt;

/// Which rule turned a connection away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalCause {
    /// As many connections are open as may be.
    ConnectionLimit,
    /// As many handshakes are going on as may be.
    HandshakeLimit,
    /// The source has as many connections open as one source may.
    PerSourceLimit,
    /// The source opens connections faster than one source may.
    RateLimit,
    /// The source is banned.
    Banned,
    /// The memory budget is used up.
    MemoryBudget,
    /// We are shutting down.
    Draining,
    /// The PROXY protocol header that was due cannot be read.
    ProxyHeaderInvalid,
    /// The PROXY protocol header that was due did not come in time.
    ProxyHeaderTimeout,
    /// The connection comes from an address that may not speak the PROXY protocol.
    ProxyHeaderUntrusted,
}

closed_set!(RefusalCause {
    ConnectionLimit = "connection_limit",
    HandshakeLimit = "handshake_limit",
    PerSourceLimit = "per_source_limit",
    RateLimit = "rate_limit",
    Banned = "banned",
    MemoryBudget = "memory_budget",
    Draining = "draining",
    ProxyHeaderInvalid = "proxy_header_invalid",
    ProxyHeaderTimeout = "proxy_header_timeout",
    ProxyHeaderUntrusted = "proxy_header_untrusted",
});

impl RefusalCause {
    /// The level its log line has unless an operator says otherwise.
    pub const fn level(self) -> Level {
        match self {
            Self::Banned | Self::Draining => Level::Debug,
            _ => Level::Warn,
        }
    }
}

impl fmt::Display for RefusalCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
