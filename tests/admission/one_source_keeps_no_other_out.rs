//! One source that fills the places for handshakes with silence neither keeps another out nor makes
//! it wait, and is not locked out itself for longer than its own silence lasts.

use async_std::task::block_on;
use rustls::ClientConfig;
use sipward::{AdmissionLimits, Cancelled, Deadlines, Discard, EventKind, HandshakeCause};
use sipward_tests::peer::{Bed, Phone, TEST_TIMEOUT, bed_with, failed, in_time};
use socket2::{Domain, Socket, Type};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

const PLACES: usize = 64;
const TRIES: usize = 21;

/// Where the good phone calls from, and where silence comes from.
const GOOD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const SILENT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

fn connect_from(source: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((source, 0)).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    stream
}

/// The median of several handshakes of a good phone.
fn handshakes(
    to: SocketAddr,
    config: &Arc<ClientConfig>,
    mut before_each: impl FnMut(),
) -> Duration {
    let mut took: Vec<Duration> = (0..TRIES)
        .map(|_| {
            before_each();
            let begun = Instant::now();
            Phone::over(connect_from(GOOD, to), Arc::clone(config)).unwrap();
            begun.elapsed()
        })
        .collect();
    took.sort_unstable();
    took[TRIES / 2]
}

async fn bed(choose: impl FnOnce(&mut AdmissionLimits), handshake: Duration) -> Bed {
    let mut limits = AdmissionLimits::default();
    choose(&mut limits);
    let mut deadlines = Deadlines::default();
    deadlines.handshake = handshake;
    bed_with(Discard, |builder| {
        builder.limits(limits).deadlines(deadlines)
    })
    .await
}

#[test]
fn a_good_phone_is_in_within_100_ms_of_its_quiet_time_while_another_source_fills_all_places() {
    block_on(async {
        let bed = bed(|limits| limits.handshakes = PLACES, TEST_TIMEOUT).await;
        let (to, config) = (bed.address(), bed.authority.client());
        let quiet = handshakes(to, &config, || ());

        let mut silent = Vec::new();
        let under_siege = handshakes(to, &config, || {
            // Each good handshake took one place away: all are filled again.
            while block_on(places_taken(&bed)) < PLACES {
                silent.push(connect_from(SILENT, to));
            }
        });
        assert!(
            under_siege <= quiet + Duration::from_millis(100),
            "{quiet:?} before, {under_siege:?} under siege"
        );
        let gave_way = failed(&bed.events).await;
        assert_eq!(gave_way.connection.peer.ip(), SILENT);
        let cause = HandshakeCause::Cancelled(Cancelled::Evicted);
        assert_eq!(gave_way.failure.cause, cause);
    });
}

async fn places_taken(bed: &Bed) -> usize {
    bed.handle.snapshot().await.unwrap().handshake_permits
}

#[test]
fn a_source_whose_places_are_all_silent_is_back_when_their_deadline_has_passed() {
    block_on(async {
        let places = 8;
        let bed = bed(
            |limits| limits.connections_per_source = places,
            Duration::from_millis(300),
        )
        .await;
        let silent: Vec<TcpStream> = (0..places).map(|_| bed.tcp()).collect();
        let mut refused = bed.tcp();
        in_time(bed.events.next_of(EventKind::Refused)).await;
        let _ = std::io::Read::read(&mut refused, &mut [0]);
        for _ in 0..places {
            let silence = failed(&bed.events).await;
            assert_eq!(silence.failure.cause, HandshakeCause::TimeoutSilent);
        }
        // Their sockets are still open at their end.
        let phone = bed.phone();
        drop((phone, silent));
    });
}

#[test]
fn a_silent_peer_stands_in_nobodys_way_at_the_listener() {
    block_on(async {
        let bed = bed(|_| (), TEST_TIMEOUT).await;
        let silent = bed.tcp();
        in_time(bed.events.next_of(EventKind::Accepted)).await;
        let phone = bed.phone();
        drop((phone, silent));
    });
}
