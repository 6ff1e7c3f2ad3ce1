//! The state for one request: a server transaction towards its sender, a client transaction (a
//! branch) for each target, and the response context that joins them (RFC 3261 16.2, 17, RFC 6026).
//!
//! TLS is a reliable transport, so timers A, E and G are never set, and D, I, J and K are zero.

use std::net::SocketAddr;

use bytes::Bytes;

use super::branch_requests::InviteCopy;
use super::dialog_token::End;
use super::effects::FlowId;
use super::response_template::ResponseTemplate;
use super::timers::TimerKey;

/// The key that matches a request to its server transaction (RFC 3261 17.2.3), and the connection
/// it must come on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ServerKey {
    pub(super) flow: FlowId,
    /// Keyed hash of branch, sent-by and method; or, without a magic cookie, of other fields.
    pub(super) name: u64,
}

/// A response context.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) server: ServerKey,
    /// The lines of responses that the switch itself makes.
    pub(super) response_template: ResponseTemplate,
    /// The To tag of these responses.
    pub(super) tag: u64,
    pub(super) kind: TransactionKind,
    pub(super) state: ServerState,
    pub(super) branches: Vec<Branch>,
    /// Timer H or L, or that of the 100 to another request than INVITE.
    pub(super) timer: Option<TimerKey>,
    /// Bytes kept for the request: its lines, the copies for its branches and their responses.
    pub(super) kept: usize,
    /// Where the request came from.
    pub(super) peer: SocketAddr,
    /// How many calls the 2xx to it have begun; each To tag is one.
    pub(super) calls: usize,
    /// A 2xx to INVITE has been sent.
    pub(super) answered: bool,
    /// The sender has sent CANCEL.
    pub(super) cancelled: bool,
}

/// The kinds of requests that transactions handle differently.
#[derive(Debug)]
pub(super) enum TransactionKind {
    /// An INVITE that would begin a call.
    Call(CallAttempt),
    /// An INVITE within a dialog.
    Reinvite,
    /// A BYE, with the names of its call if it comes from the caller and if from the callee.
    Bye([u64; 2]),
    Other,
}

/// The parties of a call that has not been answered yet.
#[derive(Clone, Debug)]
pub(super) struct CallAttempt {
    pub(super) call_id: String,
    pub(super) caller: String,
    pub(super) callee: String,
    pub(super) caller_tag: String,
    pub(super) caller_end: End,
}

/// State of the server side.
#[derive(Debug)]
pub(super) enum ServerState {
    /// No final response has been sent.
    Proceeding,
    /// A final response other than 2xx to INVITE has been sent; its ACK is awaited (timer H).
    Completed(Bytes),
    /// A 2xx to INVITE has been sent; more may follow until timer L.
    Accepted,
    /// No more responses are sent.
    Over,
}

/// A client transaction.
#[derive(Debug)]
pub(super) struct Branch {
    /// The number in the branch parameter of our Via.
    pub(super) id: u64,
    pub(super) end: End,
    /// What a CANCEL and an ACK are made from.
    pub(super) invite: Option<InviteCopy>,
    pub(super) state: BranchState,
    pub(super) cancel: CancelState,
    /// Timer B, C, F or M; `state` tells which.
    pub(super) timer: Option<TimerKey>,
}

/// State of a branch.
#[derive(Debug)]
pub(super) enum BranchState {
    /// No response yet (timer B or F).
    Calling,
    /// Provisional responses only (timer C).
    Ringing,
    /// A 2xx to INVITE was received; more may follow until timer M.
    Accepted,
    /// The branch awaits no more responses.
    Ended(BranchOutcome),
}

/// Whether an INVITE branch is being cancelled (RFC 3261 9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CancelState {
    No,
    /// A CANCEL is to be sent, but must wait for a provisional response.
    Held,
    Sent,
}

/// How a branch ended.
#[derive(Debug)]
pub(super) enum BranchOutcome {
    /// With a final response, here without our Via.
    Received { status: u16, response: Bytes },
    /// Without a final response; this status is used in its place.
    Failed(u16),
    /// With a 2xx to INVITE, which was forwarded at once.
    Delivered,
}

impl Context {
    pub(super) fn is_invite(&self) -> bool {
        matches!(
            self.kind,
            TransactionKind::Call(_) | TransactionKind::Reinvite
        )
    }

    /// Whether every branch has its final outcome.
    pub(super) fn is_settled(&self) -> bool {
        self.branches.iter().all(Branch::is_ended)
    }
}

impl Branch {
    pub(super) fn is_ended(&self) -> bool {
        matches!(self.state, BranchState::Ended(_))
    }

    /// Whether it ended with a 2xx that has not been forwarded yet.
    pub(super) fn has_succeeded(&self) -> bool {
        matches!(
            self.state,
            BranchState::Ended(BranchOutcome::Received {
                status: 200..300,
                ..
            })
        )
    }
}
