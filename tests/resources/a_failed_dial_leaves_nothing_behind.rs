//! An outbound connection that fails, in whatever way, gives its descriptor back.

use async_std::task;
use async_std::task::block_on;
use sipward::Connector;
use sipward_tests::process::alone;
use sipward_tests::server::{Authority, Tls, nobody, part, plaintext, sip, tcp};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const DOMAIN: &str = "sip.example.com";
const TIMES: usize = 20;

#[test]
fn descriptors_are_as_many_as_before() {
    alone(|| {
        block_on(async {
            let (ours, theirs) = (Authority::new(), Authority::named("another authority"));
            let connector = Connector::new(ours.anchors()).unwrap();
            let unknown =
                Tls::default().serve(&theirs.issue(&[DOMAIN]), |stream| sip(stream, "200 OK"));
            let failing: [SocketAddr; 4] = [
                nobody(),
                plaintext("HTTP/1.1 400\r\n\r\n"),
                tcp(part),
                unknown,
            ];
            dial_all(&connector, &failing, 1).await;
            let before = settled(usize::MAX).await;
            dial_all(&connector, &failing, TIMES).await;
            let after = settled(before).await;
            assert!(after <= before, "{before} before, {after} after");
        })
    });
}

async fn dial_all(connector: &Connector, to: &[SocketAddr], times: usize) {
    for _ in 0..times {
        for &address in to {
            connector.connect(DOMAIN, address).await.unwrap_err();
        }
    }
}

/// Open descriptors, once there are at most so many or after five seconds: the servers are of this
/// process too and notice a little later.
async fn settled(enough: usize) -> usize {
    let begun = Instant::now();
    loop {
        let open = std::fs::read_dir("/proc/self/fd").unwrap().count();
        let patient = enough != usize::MAX && begun.elapsed() < Duration::from_secs(5);
        if open <= enough || !patient {
            return open;
        }
        task::yield_now().await;
    }
}
