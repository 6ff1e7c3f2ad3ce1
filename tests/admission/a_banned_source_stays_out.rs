//! A source that fails too often in chosen ways is refused for a time; operators can list, add and
//! lift bans; exempt networks are never banned, and by default nobody is.

use async_std::task::block_on;
use sipward::{AdmissionLimits, BanRule, Discard, Event, EventKind, HandshakeCause, RefusalCause};
use sipward_tests::peer::lab::{Caller, Lab, lab};
use sipward_tests::peer::{failed, in_time, ready};
use std::net::IpAddr;
use std::time::Duration;

const NUISANCE: &str = "198.51.100.7:5061";
const STRIKES: u32 = 3;
const LASTS: Duration = Duration::from_secs(600);

fn rule() -> BanRule {
    BanRule::default()
        .with_causes(["plaintext"])
        .with_strikes(STRIKES)
        .with_duration(LASTS)
}

/// A connection from the nuisance that speaks no TLS, to its end.
async fn misbehave(lab: &Lab) {
    let mut caller = lab.dial_from(NUISANCE);
    say(&mut caller, b"REGISTER sip:example.com SIP/2.0\r\n\r\n").await;
    drop(caller);
    let failed = failed(&lab.events).await;
    assert!(matches!(failed.failure.cause, HandshakeCause::Plaintext(_)));
}

async fn say(caller: &mut Caller, bytes: &[u8]) {
    use futures_lite::AsyncWriteExt;
    caller.wire.write_all(bytes).await.unwrap();
}

async fn is_refused(lab: &Lab, peer: &str) -> u64 {
    let _caller = lab.dial_from(peer);
    match in_time(lab.events.next_of(EventKind::Refused)).await {
        Event::Refused(refused) => {
            assert_eq!(refused.cause, RefusalCause::Banned);
            refused.current
        }
        other => panic!("{other:?}"),
    }
}

async fn is_let_in(lab: &Lab, peer: &str) {
    let mut caller = lab.dial_from(peer);
    in_time(caller.shake_hands()).await.unwrap();
    ready(&lab.events).await;
}

#[test]
fn the_last_strike_bans_for_the_time_stated_and_not_longer() {
    block_on(async {
        let lab = lab(Discard, |builder| builder.ban_rule(rule())).await;
        for _ in 1..STRIKES {
            misbehave(&lab).await;
        }
        is_let_in(&lab, NUISANCE).await;
        misbehave(&lab).await;
        let Event::Banned {
            source,
            duration,
            cause,
        } = in_time(lab.events.next_of(EventKind::Banned)).await
        else {
            panic!("a ban was due")
        };
        assert_eq!(source, NUISANCE[..12].parse::<IpAddr>().unwrap());
        assert_eq!((duration, &*cause), (Some(LASTS), "plaintext"));

        assert_eq!(is_refused(&lab, NUISANCE).await, 1);
        assert_eq!(is_refused(&lab, NUISANCE).await, 2);
        is_let_in(&lab, "198.51.100.8:5061").await;
        lab.clock.advance(LASTS);
        is_let_in(&lab, NUISANCE).await;
    });
}

#[test]
fn strikes_that_lie_further_apart_than_the_window_do_not_add_up() {
    block_on(async {
        let lab = lab(Discard, |builder| builder.ban_rule(rule())).await;
        for _ in 0..2 * STRIKES {
            misbehave(&lab).await;
            lab.clock.advance(Duration::from_secs(31));
        }
        is_let_in(&lab, NUISANCE).await;
        assert!(lab.handle.bans().await.unwrap().is_empty());
    });
}

#[test]
fn an_exempt_network_is_never_banned_and_without_a_rule_nobody_is() {
    block_on(async {
        let mut limits = AdmissionLimits::default();
        limits.exempt = vec!["198.51.100.0/24".parse().unwrap()];
        let exempt = lab(Discard, |builder| builder.ban_rule(rule()).limits(limits)).await;
        let default = lab(Discard, |builder| builder).await;
        for lab in [exempt, default] {
            for _ in 0..2 * STRIKES {
                misbehave(&lab).await;
            }
            is_let_in(&lab, NUISANCE).await;
        }
    });
}

#[test]
fn an_operator_bans_lists_and_lifts() {
    block_on(async {
        let lab = lab(Discard, |builder| builder).await;
        let nuisance: IpAddr = "198.51.100.7".parse().unwrap();
        assert_eq!(lab.handle.ban(nuisance, None).await.unwrap(), nuisance);
        in_time(lab.events.next_of(EventKind::Banned)).await;
        lab.clock.advance(100 * LASTS);
        is_refused(&lab, NUISANCE).await;
        let bans = lab.handle.bans().await.unwrap();
        assert_eq!(
            bans.iter().map(|ban| ban.source).collect::<Vec<_>>(),
            [nuisance]
        );
        assert!(lab.handle.lift_ban(nuisance).await.unwrap());
        assert!(!lab.handle.lift_ban(nuisance).await.unwrap());
        is_let_in(&lab, NUISANCE).await;
    });
}
