//! What the switch reports: registrations, refused credentials and ended calls.

use std::fmt;
use std::net::SocketAddr;

/// One thing an operator wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SwitchEvent {
    /// A binding was made or refreshed.
    Registered {
        user: String,
        /// The Contact URI as the phone gave it.
        contact: String,
        /// Seconds the binding was granted.
        expires_s: u32,
        source: SocketAddr,
        /// Whether nothing else has changed: the same Contact over the same connection.
        refresh: bool,
    },
    /// A binding is no more.
    Unregistered {
        user: String,
        contact: String,
        why: Unregistration,
        /// Who asked for it; `None` when nobody did.
        source: Option<SocketAddr>,
    },
    /// Credentials were given and refused.
    AuthFailed {
        user: String,
        source: SocketAddr,
        why: &'static str,
    },
    /// A call attempt failed, or an answered call is over.
    CallEnded {
        call_id: String,
        /// `user@host` of the From header.
        caller: String,
        /// `user@host` of the Request-URI that was called.
        callee: String,
        /// The final status of the INVITE; 200 for an answered call.
        status: u16,
        /// Milliseconds from the answer to the end; 0 when it was not answered.
        duration_ms: u64,
        ended_by: EndedBy,
    },
}

/// Why a binding was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unregistration {
    /// It was not refreshed in time.
    Expired,
    /// The phone asked for it.
    Removed,
    /// The connection it named has ended.
    FlowEnded,
    /// The same instance of the phone registered another Contact in its place.
    Replaced,
}

/// Who or what ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// The caller hung up, or gave up before the answer.
    Caller,
    /// The callee hung up.
    Callee,
    /// The call was never answered.
    Failed,
    /// The connection of one of the parties ended.
    FlowEnded,
}

impl fmt::Display for Unregistration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unregistration::Expired => "expired",
            Unregistration::Removed => "removed",
            Unregistration::FlowEnded => "flow_ended",
            Unregistration::Replaced => "replaced",
        })
    }
}

impl fmt::Display for EndedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EndedBy::Caller => "caller",
            EndedBy::Callee => "callee",
            EndedBy::Failed => "failed",
            EndedBy::FlowEnded => "flow_ended",
        })
    }
}
