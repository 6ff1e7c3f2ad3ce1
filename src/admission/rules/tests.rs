use super::super::limits::Rate;
use super::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A handshake whose peer has sent nothing, or something.
#[derive(Clone, Debug)]
struct Peer {
    silent: bool,
    evicted: Arc<AtomicBool>,
}

impl PendingHandshake for Peer {
    fn is_silent(&self) -> bool {
        self.silent
    }

    fn evict(&self) {
        self.evicted.store(true, Ordering::Relaxed);
    }
}

fn silent() -> Peer {
    Peer {
        silent: true,
        evicted: Arc::default(),
    }
}

fn talking() -> Peer {
    Peer {
        silent: false,
        ..silent()
    }
}

fn source(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn unlimited() -> AdmissionLimits {
    AdmissionLimits {
        connections: 1000,
        handshakes: 1000,
        connections_per_source: 1000,
        handshakes_per_source: 1000,
        rate_per_source: None,
        rate: None,
        ..AdmissionLimits::default()
    }
}

#[test]
fn the_limit_itself_is_admitted_and_one_more_refused_with_both_numbers() {
    let mut rules = Rules::new(AdmissionLimits {
        connections: 2,
        ..unlimited()
    });
    let now = Instant::now();
    rules.admit(source(1), silent(), now).unwrap();
    rules.admit(source(2), silent(), now).unwrap();
    assert_eq!(
        rules.admit(source(3), silent(), now).unwrap_err(),
        refusal(RefusalCause::ConnectionLimit, 2, 2)
    );
}

#[test]
fn one_source_reaching_its_limit_is_no_concern_of_another() {
    let mut rules = Rules::new(AdmissionLimits {
        connections_per_source: 1,
        ..unlimited()
    });
    let now = Instant::now();
    let first = rules.admit(source(1), silent(), now).unwrap();
    assert_eq!(
        rules.admit(source(1), silent(), now).unwrap_err(),
        refusal(RefusalCause::PerSourceLimit, 1, 1)
    );
    rules.admit(source(2), silent(), now).unwrap();
    rules.gone(first);
    rules.admit(source(1), silent(), now).unwrap();
}

#[test]
fn an_exempt_network_has_no_limit_of_its_own_but_counts_in_the_whole() {
    let mut rules = Rules::new(AdmissionLimits {
        connections: 3,
        connections_per_source: 1,
        rate_per_source: Some(Rate {
            per_second: 1,
            burst: 1,
        }),
        exempt: vec!["192.0.2.0/24".parse().unwrap()],
        ..unlimited()
    });
    let now = Instant::now();
    for _ in 0..3 {
        rules.admit(source(1), silent(), now).unwrap();
    }
    assert_eq!(
        rules.admit(source(1), silent(), now).unwrap_err().cause,
        RefusalCause::ConnectionLimit
    );
}

#[test]
fn a_source_that_fills_the_handshakes_makes_way_for_another_oldest_silent_first() {
    let mut rules = Rules::new(AdmissionLimits {
        handshakes: 4,
        ..unlimited()
    });
    let now = Instant::now();
    let handshakes = [talking(), silent(), silent(), silent()];
    for peer in &handshakes {
        rules.admit(source(1), peer.clone(), now).unwrap();
    }
    assert_eq!(
        rules.admit(source(1), silent(), now).unwrap_err().cause,
        RefusalCause::HandshakeLimit,
        "it has its share and more"
    );
    rules.admit(source(2), silent(), now).unwrap();
    let evicted = handshakes
        .each_ref()
        .map(|peer| peer.evicted.load(Ordering::Relaxed));
    assert_eq!(evicted, [false, true, false, false]);
    assert_eq!(rules.handshaking(), 4);
}

#[test]
fn a_peer_that_has_sent_bytes_is_never_evicted() {
    let mut rules = Rules::new(AdmissionLimits {
        handshakes: 2,
        ..unlimited()
    });
    let now = Instant::now();
    rules.admit(source(1), talking(), now).unwrap();
    rules.admit(source(1), talking(), now).unwrap();
    assert_eq!(
        rules.admit(source(2), silent(), now).unwrap_err(),
        refusal(RefusalCause::HandshakeLimit, 2, 2)
    );
}

#[test]
fn a_place_made_is_counted_once_however_its_old_holder_ends() {
    let mut rules = Rules::new(AdmissionLimits {
        handshakes: 2,
        ..unlimited()
    });
    let now = Instant::now();
    let first = rules.admit(source(1), silent(), now).unwrap();
    let second = rules.admit(source(1), silent(), now).unwrap();
    let newcomer = rules.admit(source(2), silent(), now).unwrap();
    assert_eq!((rules.open(), rules.handshaking()), (3, 2));
    rules.gone(first);
    rules.handshake_done(newcomer);
    rules.gone(second);
    rules.gone(newcomer);
    assert_eq!((rules.open(), rules.handshaking()), (0, 0));
    assert!(rules.sources.is_empty());
}

#[test]
fn a_rate_refuses_with_how_many_asked_and_recovers() {
    let mut rules = Rules::new(AdmissionLimits {
        rate_per_source: Some(Rate {
            per_second: 2,
            burst: 1,
        }),
        ..unlimited()
    });
    let now = Instant::now();
    rules.admit(source(1), silent(), now).unwrap();
    assert_eq!(
        rules.admit(source(1), silent(), now).unwrap_err(),
        refusal(RefusalCause::RateLimit, 2, 2)
    );
    let later = now + Duration::from_millis(500);
    rules.admit(source(1), silent(), later).unwrap();
}

#[test]
fn sources_that_left_are_forgotten() {
    let mut rules = Rules::new(AdmissionLimits {
        rate_per_source: Some(Rate {
            per_second: 50,
            burst: 500,
        }),
        ..unlimited()
    });
    let mut now = Instant::now();
    for number in 0..50_000_u32 {
        let source = IpAddr::from(std::net::Ipv4Addr::from(number));
        let ticket = rules.admit(source, silent(), now).unwrap();
        rules.gone(ticket);
        now += Duration::from_millis(1);
    }
    assert!(rules.sources.len() <= REMEMBERED + 1);
}

#[test]
fn new_limits_hold_for_whoever_comes_next() {
    let mut rules = Rules::new(unlimited());
    let now = Instant::now();
    rules.admit(source(1), silent(), now).unwrap();
    let old = rules.set_limits(AdmissionLimits {
        connections: 1,
        ..unlimited()
    });
    assert_eq!(old, unlimited());
    assert!(rules.admit(source(1), silent(), now).is_err());
}
