//! How much one connection may have going on here: nobody's phone or trunk can fill the switch.

use super::Switch;
use super::proxy::RETRY_AFTER_S;
use super::request::Request;
use super::status::Refusal;
use super::world::FlowId;

impl Switch {
    /// Whether this connection may begin one more transaction, and one more call if it is that.
    pub(super) fn has_room_for(&self, flow: FlowId, request: &Request<'_>) -> Result<(), Refusal> {
        let bound = &self.config;
        let begun = self.transactions.begun_by(flow);
        let invites = request.method == "INVITE";
        if begun.unanswered >= bound.max_transactions
            || (invites && begun.answered >= bound.max_answered)
        {
            return Err(later("Too Many Transactions"));
        }
        let begins_call = invites && !request.has_to_tag();
        if begins_call && self.calls.over(flow) >= bound.max_calls {
            return Err(later("Too Many Calls"));
        }
        Ok(())
    }
}

/// RFC 3261 21.5.4.
fn later(why: &'static str) -> Refusal {
    Refusal::because(503, why).with("Retry-After", RETRY_AFTER_S)
}
