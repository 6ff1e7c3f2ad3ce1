use super::*;
use std::net::Ipv4Addr;

const MINUTE: Duration = Duration::from_secs(60);
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
const NEIGHBOUR: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 200));

fn probe(limiter: &mut Limiter, peer: IpAddr, now: Instant) -> Pass {
    limiter.pass("handshake_failed", "probe", peer, now)
}

#[test]
fn the_first_is_written_at_once_and_then_one_summary_a_minute_counts_the_rest() {
    let mut limiter = Limiter::new(MINUTE);
    let start = Instant::now();
    let mut written = Vec::new();
    for second in 0..180 {
        let now = start + Duration::from_secs(second);
        for summary in limiter.due(now) {
            written.push((second, summary.suppressed, summary.over));
        }
        if probe(&mut limiter, PEER, now) == Pass::Write {
            written.push((second, 0, Duration::ZERO));
        }
    }
    assert_eq!(
        written,
        [(0, 0, Duration::ZERO), (60, 59, MINUTE), (120, 60, MINUTE)]
    );
}

#[test]
fn the_summary_comes_also_when_nothing_follows_and_then_all_is_forgotten() {
    let mut limiter = Limiter::new(MINUTE);
    let now = Instant::now();
    probe(&mut limiter, PEER, now);
    probe(&mut limiter, PEER, now + Duration::from_secs(5));
    assert_eq!(limiter.due(now + Duration::from_secs(59)), []);
    assert_eq!(
        limiter.due(now + MINUTE),
        [Summary {
            event: "handshake_failed",
            cause: "probe",
            network: Some(Network::of(PEER)),
            peer: Some(PEER),
            suppressed: 1,
            over: MINUTE,
        }]
    );
    assert_eq!(limiter.due(now + 2 * MINUTE), []);
    assert!(limiter.lines.is_empty());
}

#[test]
fn one_after_a_quiet_minute_is_written_at_once_without_anybody_asking_what_is_due() {
    let mut limiter = Limiter::new(MINUTE);
    let now = Instant::now();
    assert_eq!(probe(&mut limiter, PEER, now), Pass::Write);
    assert_eq!(probe(&mut limiter, PEER, now + MINUTE), Pass::Write);
    let counted = probe(&mut limiter, PEER, now + MINUTE);
    assert_eq!(counted, Pass::Suppress);
}

#[test]
fn nothing_is_lost_when_the_summary_is_late() {
    let mut limiter = Limiter::new(MINUTE);
    let now = Instant::now();
    for second in 0..100 {
        probe(&mut limiter, PEER, now + Duration::from_secs(second));
    }
    let summaries = limiter.due(now + Duration::from_secs(100));
    assert_eq!(summaries.len(), 1);
    assert_eq!(summaries[0].suppressed, 99);
    assert_eq!(summaries[0].over, Duration::from_secs(100));
}

#[test]
fn one_network_is_one_source_and_another_cause_is_another_line() {
    let mut limiter = Limiter::new(MINUTE);
    let now = Instant::now();
    probe(&mut limiter, PEER, now);
    assert_eq!(probe(&mut limiter, NEIGHBOUR, now), Pass::Suppress);
    let other = IpAddr::from([198, 51, 100, 1]);
    assert_eq!(probe(&mut limiter, other, now), Pass::Write);
    let other = limiter.pass("handshake_failed", "malformed", PEER, now);
    assert_eq!(other, Pass::Write);
    let other = limiter.pass("closed", "probe", PEER, now);
    assert_eq!(other, Pass::Write);
}

#[test]
fn the_summary_names_a_peer_only_when_it_was_one() {
    let mut limiter = Limiter::new(MINUTE);
    let now = Instant::now();
    for peer in [PEER, NEIGHBOUR, NEIGHBOUR] {
        probe(&mut limiter, peer, now);
    }
    assert_eq!(limiter.due(now + MINUTE)[0].peer, Some(NEIGHBOUR));
    for peer in [PEER, NEIGHBOUR, PEER, PEER] {
        probe(&mut limiter, peer, now + MINUTE);
    }
    let summaries = limiter.due(now + 2 * MINUTE);
    assert_eq!((summaries[0].peer, summaries[0].suppressed), (None, 4));
}

#[test]
fn at_the_end_everything_counted_is_told_at_once() {
    let mut limiter = Limiter::new(MINUTE);
    let now = Instant::now();
    probe(&mut limiter, PEER, now);
    assert_eq!(limiter.rest(now), []);
    probe(&mut limiter, PEER, now);
    probe(&mut limiter, PEER, now);
    let rest = limiter.rest(now + Duration::from_secs(2));
    assert_eq!(rest[0].suppressed, 1);
    assert_eq!(rest[0].over, Duration::from_secs(2));
}

#[test]
fn a_flood_from_everywhere_is_limited_and_remembered_in_bounded_memory() {
    let mut limiter = Limiter::new(MINUTE);
    let now = Instant::now();
    let mut written = 0;
    for number in 0..10_000_u32 {
        let source = IpAddr::from(Ipv4Addr::from(number << 8));
        written += u32::from(probe(&mut limiter, source, now) == Pass::Write);
    }
    assert_eq!(written, 4097);
    assert_eq!(limiter.lines.len(), REMEMBERED + 1);
    let summaries = limiter.due(now + MINUTE);
    assert_eq!(summaries.len(), 1);
    assert_eq!(
        (summaries[0].network, summaries[0].suppressed),
        (None, 5903)
    );
}

#[test]
fn an_interval_of_zero_writes_every_line() {
    let mut limiter = Limiter::new(Duration::ZERO);
    let now = Instant::now();
    for _ in 0..10 {
        assert_eq!(probe(&mut limiter, PEER, now), Pass::Write);
    }
    assert_eq!(limiter.rest(now), []);
}
