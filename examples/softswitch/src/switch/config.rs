//! What the switch must be told.

use std::time::Duration;

/// Names, limits and timers of a switch.
#[derive(Clone, Debug)]
pub struct SwitchConfig {
    /// The host parts the switch answers for: names, or IP addresses (IPv6 with or without
    /// brackets).
    pub domains: Vec<String>,
    /// `host[:port]` that Via, Record-Route and Contact say.
    pub advertise: String,
    /// Bindings one address-of-record may have. Default 10.
    pub max_contacts: usize,
    /// Bindings that may name one connection. Default 1,000.
    pub max_bindings: usize,
    /// Transactions that one connection may have begun and not been answered. Default 1,000;
    /// beyond: 503.
    pub max_transactions: usize,
    /// Answered INVITEs of one connection that may be kept for what is repeated (timer L, 32 s).
    /// Default 32,000, a thousand calls a second; beyond: 503 to one more INVITE.
    pub max_answered: usize,
    /// Bytes of the requests of one connection that are kept for their transactions, the copies of
    /// those that fork among them. Default 8 MiB; beyond: 503.
    pub max_kept: usize,
    /// Answered calls that one connection has begun. Default 1,000; beyond: 503.
    pub max_calls: usize,
    /// Key of the MAC in Record-Route tokens. Draw a new one for each run of the program: flows are
    /// numbered anew, and an old token would lead to somebody else's connection.
    pub secret: [u8; 32],
    /// 64*T1: timers B, F, H, L and M (RFC 3261 17, RFC 6026). Default 32 s.
    pub transaction_timeout: Duration,
    /// Timer C: how long an INVITE may ring without news (RFC 3261 16.6). Default 180 s.
    pub ringing_timeout: Duration,
    /// Granted when a REGISTER does not say. Default 3600 s.
    pub default_expires_s: u32,
    /// Less is answered with 423. Default 60 s.
    pub min_expires_s: u32,
    /// More is shortened to this. Default 7200 s.
    pub max_expires_s: u32,
}

impl SwitchConfig {
    /// The defaults for everything that has one.
    pub fn new(domains: Vec<String>, advertise: String, secret: [u8; 32]) -> SwitchConfig {
        SwitchConfig {
            domains,
            advertise,
            max_contacts: 10,
            max_bindings: 1000,
            max_transactions: 1000,
            max_answered: 32_000,
            max_kept: 8 << 20,
            max_calls: 1000,
            secret,
            transaction_timeout: Duration::from_secs(32),
            ringing_timeout: Duration::from_secs(180),
            default_expires_s: 3600,
            min_expires_s: 60,
            max_expires_s: 7200,
        }
    }
}
