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

impl RefusalCause {
    /// The name on the wire, in snake_case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConnectionLimit => "connection_limit",
            Self::HandshakeLimit => "handshake_limit",
            Self::PerSourceLimit => "per_source_limit",
            Self::RateLimit => "rate_limit",
            Self::Banned => "banned",
            Self::MemoryBudget => "memory_budget",
            Self::Draining => "draining",
            Self::ProxyHeaderInvalid => "proxy_header_invalid",
            Self::ProxyHeaderTimeout => "proxy_header_timeout",
            Self::ProxyHeaderUntrusted => "proxy_header_untrusted",
        }
    }

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
