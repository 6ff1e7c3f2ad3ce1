//! Chooses the final response from the outcomes of all branches (RFC 3261 16.7 steps 6 and 7).

use bytes::Bytes;
use sipward::sip::{Message, Name};

use super::transaction::{BranchOutcome, BranchState, Context};

/// The final response for the sender of a request.
pub(super) struct FinalResponse {
    pub(super) status: u16,
    pub(super) message: Bytes,
    /// Whether the switch made it because no branch had a response.
    pub(super) is_own: bool,
}

pub(super) fn final_response(context: &Context) -> FinalResponse {
    let best = outcomes(context).min_by_key(|outcome| rank(outcome.status()));
    let own = |status| FinalResponse {
        status,
        message: context.response_template.bare(status, context.tag),
        is_own: true,
    };
    match best {
        Some(BranchOutcome::Received { status, response }) if *status != 503 => FinalResponse {
            status: *status,
            message: match status {
                401 | 407 => with_all_challenges(context, response),
                _ => response.clone(),
            },
            is_own: false,
        },
        // A 503 would make the sender avoid this switch altogether, so 500 is sent instead (16.7
        // step 6).
        Some(outcome) => match outcome.status() {
            503 => own(500),
            status => own(status),
        },
        None => own(500),
    }
}

fn outcomes(context: &Context) -> impl Iterator<Item = &BranchOutcome> {
    context
        .branches
        .iter()
        .filter_map(|branch| match &branch.state {
            BranchState::Ended(outcome) => Some(outcome),
            _ => None,
        })
}

impl BranchOutcome {
    fn status(&self) -> u16 {
        match self {
            BranchOutcome::Received { status, .. } => *status,
            BranchOutcome::Failed(status) => *status,
            BranchOutcome::Delivered => 200,
        }
    }
}

/// The rank of a status; the lowest wins. 6xx comes first, then the lowest class. Within 4xx those
/// come first that the sender can act on, and those last that only say that a branch could not be
/// reached.
fn rank(status: u16) -> u16 {
    match status {
        0..=299 => 0,
        600.. => 1,
        300..=399 => 2,
        401 | 407 | 415 | 420 | 484 => 3,
        408 | 430 | 480 => 5,
        400..=499 => 4,
        503 => 7,
        500..=599 => 6,
    }
}

/// Adds to a response the challenges of all other branches that asked for credentials (16.7 step
/// 7).
fn with_all_challenges(context: &Context, chosen: &Bytes) -> Bytes {
    let mut challenges = Vec::new();
    for outcome in outcomes(context) {
        if let BranchOutcome::Received {
            status: 401 | 407,
            response,
        } = outcome
            && response != chosen
            && let Ok(message) = Message::parse(response.clone())
        {
            for name in [Name::WwwAuthenticate, Name::ProxyAuthenticate] {
                for header in message.all(name) {
                    challenges.extend_from_slice(header.raw);
                }
            }
        }
    }
    let Some(first_line) = chosen.windows(2).position(|at| at == b"\r\n") else {
        return chosen.clone();
    };
    let (start, rest) = chosen.split_at(first_line + 2);
    Bytes::from([start, &challenges, rest].concat())
}
