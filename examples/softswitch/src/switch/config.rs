//! The configuration of the switch.

use std::time::Duration;

/// Names, limits and timers of a switch.
#[derive(Clone, Debug)]
pub struct SwitchConfig {
    /// The host parts the switch answers for: names, or IP addresses (IPv6 with or without
    /// brackets).
    pub domains: Vec<String>,
    /// Bindings one address-of-record may have. Default 10.
    pub max_contacts: usize,
    /// Bindings that may name one connection. Default 1,000.
    pub max_bindings: usize,
    /// Transactions that one connection may have begun and not been answered. Default 1,000;
    /// beyond: 503.
    pub max_transactions: usize,
    /// Answered INVITEs of one connection that are kept for repeated responses (timer L, 32 s).
    /// Default 32,000, which allows a thousand calls a second; beyond, an INVITE is refused with
    /// 503.
    pub max_answered: usize,
    /// Bytes of one connection's requests that are kept for their transactions, including a copy
    /// for each branch of a forked INVITE, and of the final responses to them. Default 8 MiB; beyond:
    /// 503. Twice as much is kept for requests in dialogs and for responses; beyond, 500 takes the
    /// place of a response.
    pub max_kept: usize,
    /// Answered calls that one connection has begun. Default 1,000; beyond: 503.
    pub max_calls: usize,
    /// Key of the MAC in Record-Route tokens. Generate a new one for each run of the program: flows
    /// are numbered from the start again, so an old token would lead to another peer's connection.
    pub secret: [u8; 32],
    /// How long an answered call waits for a party whose connection has ended. Default 90 s: a phone
    /// may wait a minute before it connects again (RFC 5626 4.5).
    pub reconnect_timeout: Duration,
    /// 64*T1: timers B, F, H, L and M (RFC 3261 17, RFC 6026). Default 32 s.
    pub transaction_timeout: Duration,
    /// Timer C: how long an INVITE may ring after its last provisional response (RFC 3261 16.6).
    /// Default 180 s.
    pub ringing_timeout: Duration,
    /// The expiry granted to a REGISTER that asks for none. Default 3600 s.
    pub default_expires_s: u32,
    /// A shorter expiry is refused with 423. Default 60 s.
    pub min_expires_s: u32,
    /// A longer expiry is shortened to this. Default 7200 s.
    pub max_expires_s: u32,
}

impl SwitchConfig {
    /// The defaults for all fields that have one.
    pub fn new(domains: Vec<String>, secret: [u8; 32]) -> SwitchConfig {
        SwitchConfig {
            domains,
            max_contacts: 10,
            max_bindings: 1000,
            max_transactions: 1000,
            max_answered: 32_000,
            max_kept: 8 << 20,
            max_calls: 1000,
            secret,
            reconnect_timeout: Duration::from_secs(90),
            transaction_timeout: Duration::from_secs(32),
            ringing_timeout: Duration::from_secs(180),
            default_expires_s: 3600,
            min_expires_s: 60,
            max_expires_s: 7200,
        }
    }
}
