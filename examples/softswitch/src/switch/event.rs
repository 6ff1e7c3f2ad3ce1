//! The events that the switch reports: registrations, refusals, drops and ended calls.

use std::fmt;
use std::net::SocketAddr;

/// An event of the switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SwitchEvent {
    /// A binding was made or refreshed.
    Registered {
        user: String,
        /// The Contact URI as the phone sent it.
        contact: String,
        /// The granted expiry in seconds.
        expires_s: u32,
        source: SocketAddr,
        /// Whether only the expiry has changed: the same Contact came over the same connection.
        refresh: bool,
    },
    /// A binding was removed.
    Unregistered {
        user: String,
        contact: String,
        why: Unregistration,
        /// The peer whose request removed it; `None` for an expired binding or an ended connection.
        source: Option<SocketAddr>,
    },
    /// Credentials were refused.
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
        /// Milliseconds from the answer to the end; 0 if the call was not answered.
        duration_ms: u64,
        ended_by: EndedBy,
    },
    /// The switch itself refused a request with a final response from 400 on. Not reported for 401
    /// and 407, which ask for credentials: credentials that are wrong are `AuthFailed`.
    RequestRefused {
        status: u16,
        /// The reason phrase of the response.
        reason: String,
        /// At most 64 bytes.
        method: String,
        /// The user part of From, as far as it could be read; at most 64 bytes.
        user: String,
        source: SocketAddr,
        /// The number of the connection.
        session: u64,
    },
    /// A peer with a public address registered over a connection whose local address is private, and
    /// no address is advertised: what the switch writes into Record-Route cannot be reached from
    /// there if a phone opens a connection for it. Reported once.
    PrivateAddress {
        local: SocketAddr,
        source: SocketAddr,
    },
    /// Messages that got no answer, since the last report, which was a second ago or more.
    MessagesDropped { reason: DropReason, count: u64 },
}

/// Why a message was dropped. Requests are always answered, except ACK (RFC 3261 17); one that comes
/// twice gets one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// A response without a Via and a CSeq that can be read, or with a defect in its head.
    UnreadableResponse,
    /// A response that belongs to no request which this connection was sent.
    UnexpectedResponse,
    /// An ACK that cannot be read.
    UnreadableAck,
    /// An ACK that belongs to no call here.
    UnexpectedAck,
    /// A request that came before, and has been or will be answered.
    RepeatedRequest,
}

impl DropReason {
    pub const ALL: [DropReason; 5] = [
        DropReason::UnreadableResponse,
        DropReason::UnexpectedResponse,
        DropReason::UnreadableAck,
        DropReason::UnexpectedAck,
        DropReason::RepeatedRequest,
    ];
}

/// Why a binding was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unregistration {
    /// It was not refreshed in time.
    Expired,
    /// The phone removed it.
    Removed,
    /// The connection it named has ended.
    FlowEnded,
    /// The same instance of the phone registered another Contact in its place.
    Replaced,
}

/// What ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// The caller hung up, or cancelled the call before it was answered.
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

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DropReason::UnreadableResponse => "unreadable_response",
            DropReason::UnexpectedResponse => "unexpected_response",
            DropReason::UnreadableAck => "unreadable_ack",
            DropReason::UnexpectedAck => "unexpected_ack",
            DropReason::RepeatedRequest => "repeated_request",
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
