//! Chooses the algorithms to challenge a phone with (RFC 8760 2.4, 2.6).
//!
//! A phone should skip a challenge with an unknown algorithm and answer the next. Some phones give
//! up instead. So a connection is challenged with all algorithms first, and with MD5 alone if its
//! next request has no credentials either; phones known to give up are challenged with MD5 alone at
//! once. MD5 is acceptable because TLS hides the credentials from others.

use rustc_hash::FxHashMap;

use super::effects::FlowId;

/// The start of the User-Agent of phones that never answer if a challenge has SHA-256.
const MD5_ONLY_AGENTS: [&str; 2] = ["baresip v0.", "baresip v1."];

/// The algorithms offered on connections that have sent no credentials yet, or have sent them after
/// MD5 alone.
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
    /// Records a request without credentials. Returns whether to offer MD5 only.
    pub(super) fn not_given(&mut self, flow: FlowId, user_agent: Option<&str>) -> bool {
        let md5_only = user_agent.is_some_and(|name| {
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

    /// Records a request with credentials: its phone understood the challenge. Returns whether to
    /// offer MD5 only next time.
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
