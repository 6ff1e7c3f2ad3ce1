//! How much one connection may have going on here: nobody's phone or trunk can fill the switch.

use super::Switch;
use super::effects::FlowId;
use super::proxy::RETRY_AFTER_S;
use super::request::Request;
use super::status::Refusal;

impl Switch {
    /// Whether this connection may begin one more transaction for which so many bytes are kept, and
    /// one more call if it is that. Within a dialog there is as much room again: what ends a call must
    /// not be kept out by those that ring.
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

/// RFC 3261 21.5.4.
fn retry_later(why: &'static str) -> Refusal {
    Refusal::because(503, why).with("Retry-After", RETRY_AFTER_S)
}
