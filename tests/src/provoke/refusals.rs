//! One real provocation of each cause a connection is refused for.

use super::scene::{SHORT, listen, say};
use super::{Heard, Provoked, Scene};
use crate::peer::{Authority, TEST_TIMEOUT};
use async_std::task::block_on;
use sipward::{AdmissionLimits, Builder, Discard, EventKind, ProxyProtocol, Rate};
use std::io::Write;
use std::net::Ipv4Addr;
use std::time::Duration;

pub fn all() -> Vec<Provoked> {
    let second = |scene: &Scene| {
        let first = scene.tcp();
        let heard = listen(scene.tcp());
        drop(first);
        heard
    };
    let mut all = vec![
        refuse("connection_limit", |limits| limits.connections = 1, second),
        refuse("handshake_limit", |limits| limits.handshakes = 1, second),
        refuse(
            "per_source_limit",
            |limits| limits.connections_per_source = 1,
            second,
        ),
        refuse(
            "rate_limit",
            |limits| {
                limits.rate_per_source = Some(Rate::new(1, 1));
            },
            second,
        ),
        refuse(
            "memory_budget",
            |limits| limits.memory = Some(100 * 1024),
            second,
        ),
        refuse(
            "banned",
            |_| (),
            |scene| {
                let here = Ipv4Addr::LOCALHOST.into();
                block_on(scene.handle.ban(here, None)).unwrap();
                listen(scene.tcp())
            },
        ),
    ];
    all.extend(by_their_header());
    all
}

fn refuse(
    cause: &'static str,
    limit: impl FnOnce(&mut AdmissionLimits),
    what: impl Fn(&Scene) -> Heard,
) -> Provoked {
    let mut limits = AdmissionLimits::default();
    limit(&mut limits);
    refused(cause, |builder| builder.limits(limits), what)
}

/// Behind a load balancer that speaks the PROXY protocol.
fn by_their_header() -> Vec<Provoked> {
    let behind = |cause, balancer: &str, what: fn(&Scene) -> Heard| {
        let mut rule = ProxyProtocol::from(vec![balancer.parse().unwrap()]);
        rule.deadline = SHORT;
        if cause == "draining" {
            rule.deadline = TEST_TIMEOUT;
        }
        refused(cause, |builder| builder.proxy_protocol(rule), what)
    };
    let here = "127.0.0.0/8";
    vec![
        behind("draining", here, |scene| {
            let waiting = scene.tcp();
            let other = scene.tcp();
            let header = b"PROXY TCP4 192.0.2.7 192.0.2.1 40112 5061\r\n";
            (&other).write_all(header).unwrap();
            // The one that waits came first.
            scene.wait_for(EventKind::Accepted);
            block_on(scene.handle.shutdown(Duration::ZERO));
            listen(waiting)
        }),
        behind("proxy_header_invalid", here, |scene| {
            say(scene.tcp(), b"REGISTER sip:example.com SIP/2.0\r\n")
        }),
        behind("proxy_header_timeout", here, |scene| listen(scene.tcp())),
        behind("proxy_header_untrusted", "10.0.0.0/8", |scene| {
            listen(scene.tcp())
        }),
    ]
}

fn refused(
    cause: &'static str,
    choose: impl FnOnce(Builder<Discard>) -> Builder<Discard>,
    what: impl Fn(&Scene) -> Heard,
) -> Provoked {
    let scene = Scene::new(Discard, Authority::policy, |builder, _| choose(builder));
    let heard = what(&scene);
    let line = scene.line(EventKind::Refused);
    let books = scene.books();
    Provoked {
        cause,
        line,
        heard,
        books,
    }
}
