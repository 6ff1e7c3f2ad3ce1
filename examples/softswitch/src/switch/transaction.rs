//! One request on its way through the switch: a server transaction towards the sender, one client
//! transaction for each place it was sent to, and the response context between them (RFC 3261 16.2,
//! 17, RFC 6026).
//!
//! All transports are reliable here: timers A, E and G are never set, and D, I, J and K are zero.

use bytes::Bytes;

use super::effects::FlowId;
use super::response_template::ResponseTemplate;
use super::timers::TimerKey;

/// What requests are matched by (RFC 3261 17.2.3), and the connection they must come on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ServerKey {
    pub(super) flow: FlowId,
    /// Keyed hash of branch, sent-by and method.
    pub(super) name: u64,
}

/// A response context.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) server: ServerKey,
    /// Made for the request; finds the lines of responses made here.
    pub(super) response_template: ResponseTemplate,
    /// To tag of responses made here.
    pub(super) tag: u64,
    pub(super) kind: TransactionKind,
    pub(super) state: ServerState,
    pub(super) branches: Vec<Branch>,
    /// Timer H or L.
    pub(super) timer: Option<TimerKey>,
    /// Bytes of the request that are kept, in all its copies.
    pub(super) kept: usize,
    /// Calls that answers to it have begun: each To tag is one.
    pub(super) calls: usize,
    /// A 2xx to INVITE has been sent.
    pub(super) answered: bool,
    /// The sender has sent CANCEL.
    pub(super) cancelled: bool,
}

/// What the request is, as far as it makes a difference to its transaction.
#[derive(Debug)]
pub(super) enum TransactionKind {
    /// An INVITE that would begin a call.
    Call(CallAttempt),
    /// An INVITE within a dialog.
    Reinvite,
    /// A BYE with its Call-ID, From tag and To tag.
    Bye {
        call_id: String,
        from_tag: String,
        to_tag: String,
    },
    Other,
}

/// Who calls whom.
#[derive(Clone, Debug)]
pub(super) struct CallAttempt {
    pub(super) call_id: String,
    pub(super) caller: String,
    pub(super) callee: String,
    pub(super) caller_tag: String,
}

/// State of the server side.
#[derive(Debug)]
pub(super) enum ServerState {
    /// No final response has been sent.
    Proceeding,
    /// A final response other than 2xx to INVITE has been sent; its ACK is awaited (timer H).
    Completed(Bytes),
    /// A 2xx to INVITE has been sent, more may follow (timer L).
    Accepted,
    /// Nothing more goes to the sender.
    Over,
}

/// A client transaction.
#[derive(Debug)]
pub(super) struct Branch {
    /// Names it in the branch parameter of the Via put on top.
    pub(super) id: u64,
    pub(super) flow: FlowId,
    /// The INVITE as it was sent, for the CANCEL and the ACK made from it.
    pub(super) invite: Option<Bytes>,
    pub(super) state: BranchState,
    pub(super) cancel: CancelState,
    /// Timer B, C, F or M, as `state` says.
    pub(super) timer: Option<TimerKey>,
}

/// How far a branch has come.
#[derive(Debug)]
pub(super) enum BranchState {
    /// No response yet (timer B or F).
    Calling,
    /// Provisional responses only (timer C).
    Ringing,
    /// A 2xx to INVITE came; more may follow (timer M).
    Accepted,
    /// Nothing more is awaited.
    Ended(BranchOutcome),
}

/// Whether an INVITE branch is being cancelled (RFC 3261 9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CancelState {
    No,
    /// Wanted, but it may not be sent before a provisional response has come.
    Held,
    Sent,
}

/// What a branch came to.
#[derive(Debug)]
pub(super) enum BranchOutcome {
    /// A final response, with our Via taken off.
    Received { status: u16, response: Bytes },
    /// None came; this status stands for it.
    Failed(u16),
    /// The response has been sent on already.
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

    /// Whether it ended with a 2xx that has not been sent on yet.
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
