//! Which algorithms a phone is challenged with (RFC 8760 2.4, 2.6).
//!
//! A phone should pass over a challenge it does not know and answer the next. Not every one does:
//! some give up as soon as one of several is unknown. So a connection is offered everything first,
//! and MD5 alone when it asks again without having answered; those known to give up for good get
//! MD5 alone at once. TLS hides the answer from others either way.

use rustc_hash::FxHashMap;

use super::effects::FlowId;

/// How the User-Agent of phones begins that never answer a challenge with SHA-256 in it.
const MD5_ONLY_AGENTS: [&str; 2] = ["baresip v0.", "baresip v1."];

/// What has been offered on connections that have not answered yet, or only the plain one.
#[derive(Debug, Default)]
pub(super) struct Challenges {
    offered: FxHashMap<FlowId, OfferedAlgorithms>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OfferedAlgorithms {
    All,
    Md5,
}

impl Challenges {
    /// A request without credentials: whether to offer only what every phone understands.
    pub(super) fn not_given(&mut self, flow: FlowId, user_agent: Option<&str>) -> bool {
        let md5_only = user_agent.is_some_and(|name| {
            let name = name.trim_start();
            MD5_ONLY_AGENTS.iter().any(|known| {
                let start = name.get(..known.len());
                start.is_some_and(|start| start.eq_ignore_ascii_case(known))
            })
        });
        let before = self.offered.get(&flow);
        let now = match before {
            Some(_) => OfferedAlgorithms::Md5,
            None if md5_only => OfferedAlgorithms::Md5,
            None => OfferedAlgorithms::All,
        };
        self.offered.insert(flow, now);
        now == OfferedAlgorithms::Md5
    }

    /// A request with credentials: its phone understood what it was offered. Whether that was only
    /// the plain one.
    pub(super) fn given(&mut self, flow: FlowId) -> bool {
        match self.offered.get(&flow) {
            Some(OfferedAlgorithms::Md5) => true,
            Some(OfferedAlgorithms::All) => {
                self.offered.remove(&flow);
                false
            }
            None => false,
        }
    }

    pub(super) fn flow_ended(&mut self, flow: FlowId) {
        self.offered.remove(&flow);
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.offered.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOW: FlowId = FlowId(1);

    #[test]
    fn who_asks_again_without_an_answer_is_offered_the_plain_one() {
        let mut challenges = Challenges::default();
        assert!(!challenges.not_given(FLOW, None));
        assert!(challenges.not_given(FLOW, None));
        assert!(challenges.given(FLOW));
    }

    #[test]
    fn who_answers_is_offered_everything_the_next_time_too() {
        let mut challenges = Challenges::default();
        assert!(!challenges.not_given(FLOW, None));
        assert!(!challenges.given(FLOW));
        assert!(!challenges.not_given(FLOW, None));
    }

    #[test]
    fn phones_known_to_give_up_are_offered_the_plain_one_at_once() {
        let mut challenges = Challenges::default();
        assert!(challenges.not_given(FLOW, Some("baresip v1.0.0 (x86_64/linux)")));
        assert!(!challenges.not_given(FlowId(2), Some("baresip v3.1.0")));
    }
}
