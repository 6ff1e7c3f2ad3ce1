//! Sans-io: which log lines are written and which only counted.

use crate::event::EventKind;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

/// How long after a line the next of its kind waits.
const INTERVAL: Duration = Duration::from_secs(60);

/// Sources and causes remembered at a time; the memory is a few hundred kilobytes at most.
const REMEMBERED: usize = 4096;

/// Limits lines per kind of event, cause and source network (IPv4 /24, IPv6 /48).
#[derive(Debug, Default)]
pub(super) struct Limiter {
    written: HashMap<(EventKind, &'static str, IpAddr), Written>,
}

#[derive(Debug)]
struct Written {
    at: Instant,
    suppressed: u64,
}

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// It is written, for itself and for this many suppressed ones.
    Write {
        suppressed: u64,
    },
    Suppress,
}

impl Limiter {
    pub(super) fn pass(&mut self, key: (EventKind, &'static str, IpAddr), now: Instant) -> Pass {
        let (kind, cause, source) = key;
        let key = (kind, cause, network(source));
        if let Some(written) = self.written.get_mut(&key) {
            if now < written.at + INTERVAL {
                written.suppressed += 1;
                return Pass::Suppress;
            }
            let suppressed = std::mem::take(&mut written.suppressed);
            written.at = now;
            return Pass::Write { suppressed };
        }
        if self.written.len() >= REMEMBERED {
            self.written
                .retain(|_, written| now < written.at + INTERVAL);
        }
        // A flood from everywhere: what cannot be remembered is written.
        if self.written.len() < REMEMBERED {
            self.written.insert(
                key,
                Written {
                    at: now,
                    suppressed: 0,
                },
            );
        }
        Pass::Write { suppressed: 0 }
    }
}

fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            Ipv4Addr::new(a, b, c, 0).into()
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROBE: (EventKind, &str, IpAddr) = (
        EventKind::HandshakeFailed,
        "probe",
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    );

    #[test]
    fn the_first_is_written_at_once_and_the_next_after_a_minute_with_the_count_between() {
        let mut limiter = Limiter::default();
        let now = Instant::now();
        assert_eq!(limiter.pass(PROBE, now), Pass::Write { suppressed: 0 });
        for second in 1..60 {
            let later = now + Duration::from_secs(second);
            assert_eq!(limiter.pass(PROBE, later), Pass::Suppress);
        }
        let later = now + INTERVAL;
        assert_eq!(limiter.pass(PROBE, later), Pass::Write { suppressed: 59 });
    }

    #[test]
    fn one_network_is_one_source_and_another_cause_is_another_line() {
        let mut limiter = Limiter::default();
        let now = Instant::now();
        let neighbour = (PROBE.0, PROBE.1, IpAddr::from([192, 0, 2, 200]));
        let stranger = (PROBE.0, PROBE.1, IpAddr::from([198, 51, 100, 1]));
        let other_cause = (PROBE.0, "malformed", PROBE.2);
        limiter.pass(PROBE, now);
        assert_eq!(limiter.pass(neighbour, now), Pass::Suppress);
        assert_eq!(limiter.pass(stranger, now), Pass::Write { suppressed: 0 });
        assert_eq!(
            limiter.pass(other_cause, now),
            Pass::Write { suppressed: 0 }
        );
    }

    #[test]
    fn memory_is_bounded_however_many_sources_there_are() {
        let mut limiter = Limiter::default();
        let now = Instant::now();
        for number in 0..10_000_u32 {
            let source = IpAddr::from(Ipv4Addr::from(number << 8));
            limiter.pass((PROBE.0, PROBE.1, source), now);
        }
        assert_eq!(limiter.written.len(), REMEMBERED);
    }
}
