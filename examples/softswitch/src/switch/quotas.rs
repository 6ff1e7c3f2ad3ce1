//! Quotas on what one connection may begin, so that no phone or trunk can use up the switch's
//! memory.

use super::Switch;
use super::effects::FlowId;
use super::proxy::RETRY_AFTER_S;
use super::request::Request;
use super::status::Refusal;

impl Switch {
    /// Checks that this connection may begin one more transaction that keeps `kept` bytes, and one
    /// more call if the request begins one. Within a dialog the quotas are doubled, so that a BYE
    /// is accepted while the quotas are used up by ringing calls.
    pub(super) fn check_quotas(
        &self,
        flow: FlowId,
        request: &Request<'_>,
        kept: usize,
        in_dialog: bool,
    ) -> Result<(), Refusal> {
        let limits = &self.config;
        let begun = self.transactions.begun_by(flow);
        let room = if in_dialog { 2 } else { 1 };
        let invites = request.method == "INVITE";
        if begun.unanswered >= room * limits.max_transactions
            || begun.kept + kept > room * limits.max_kept
            || (invites && begun.answered >= room * limits.max_answered)
        {
            return Err(retry_later("Too Many Transactions"));
        }
        let begins_call = invites && !request.has_to_tag();
        if begins_call && self.calls.begun_by(flow) >= limits.max_calls {
            return Err(retry_later("Too Many Calls"));
        }
        Ok(())
    }
}

/// Refuses with 503 and Retry-After (RFC 3261 21.5.4).
fn retry_later(why: &'static str) -> Refusal {
    Refusal::because(503, why).with("Retry-After", RETRY_AFTER_S)
}
