//! A handshake may break at any byte. Real clients are cut off after each of theirs, by FIN, by RST
//! and by silence, in memory and on a clock moved by hand: always one failure with the cause and the
//! phase that byte has, and nothing left behind.

use async_std::task::{block_on, yield_now};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use rustls::{ClientConfig, ClientConnection, ServerName, SupportedProtocolVersion};
use sipward::testing::{Dialler, ManualClock, MemoryStream, Recorder};
use sipward::{
    Deadlines, Event, EventKind, ExpectedMessage, Handle, HandshakeCause, HandshakeFailed, Phase,
    Supervisor,
};
use sipward_tests::peer::{Authority, in_time};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// The lengths of what a client sends, in the order sent.
struct Script {
    hello: Vec<u8>,
    /// The records of its second flight, headers included.
    records: Vec<usize>,
}

impl Script {
    fn length(&self) -> usize {
        self.hello.len() + self.records.iter().sum::<usize>()
    }
}

/// What a fault after so many bytes must be called.
#[derive(Debug, PartialEq, Eq)]
struct Expected {
    cause: HandshakeCause,
    phase: Phase,
    waiting_for: ExpectedMessage,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Eof,
    Rst,
    Stall,
}

struct Bench {
    version: &'static SupportedProtocolVersion,
    client: Arc<ClientConfig>,
    handle: Handle,
    dialler: Dialler,
    events: Recorder,
    clock: ManualClock,
    dialled: u32,
}

impl Bench {
    async fn new(version: &'static SupportedProtocolVersion) -> Self {
        let authority = Authority::new();
        let mut roots = rustls::RootCertStore::empty();
        let der = authority.certificate.der().to_vec();
        roots.add(&rustls::Certificate(der)).unwrap();
        let client = ClientConfig::builder()
            .with_safe_default_cipher_suites()
            .with_safe_default_kx_groups()
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let clock = ManualClock::new();
        let (events, observer) = Recorder::new();
        let (builder, dialler) = Supervisor::builder(authority.policy()).listen_in_memory();
        let handle = builder
            .clock(clock.clone())
            .without_log()
            .observer(observer)
            .start()
            .await
            .unwrap();
        Self {
            version,
            client: Arc::new(client),
            handle,
            dialler,
            events,
            clock,
            dialled: 0,
        }
    }

    /// Each connection comes from an address of its own: no limit per source is met.
    fn dial(&mut self) -> MemoryStream {
        self.dialled += 1;
        let source = Ipv4Addr::from_bits(0x0a00_0000 + self.dialled);
        self.dialler.connect(SocketAddr::from((source, 5061)))
    }

    fn client(&self) -> ClientConnection {
        let name = ServerName::try_from("localhost").unwrap();
        ClientConnection::new(Arc::clone(&self.client), name).unwrap()
    }

    /// Records a whole handshake.
    async fn script(&mut self) -> Script {
        let mut stream = self.dial();
        let mut client = self.client();
        let hello = flight(&mut client);
        stream.write_all(&hello).await.unwrap();
        hear(&mut stream, &mut client).await;
        let second = flight(&mut client);
        stream.write_all(&second).await.unwrap();
        in_time(self.events.next_of(EventKind::Ready)).await;
        drop(stream);
        in_time(self.events.next_of(EventKind::Closed)).await;
        let mut records = Vec::new();
        let mut rest = second.as_slice();
        while let [_, _, _, high, low, ..] = rest {
            let length = 5 + usize::from(u16::from_be_bytes([*high, *low]));
            records.push(length);
            rest = &rest[length..];
        }
        assert!(rest.is_empty());
        Script { hello, records }
    }

    /// A client that has sent `count` bytes, and has heard whatever answers those.
    async fn client_after(&mut self, count: usize, script: &Script) -> MemoryStream {
        let mut stream = self.dial();
        let Some(second) = count.checked_sub(script.hello.len()) else {
            stream.write_all(&script.hello[..count]).await.unwrap();
            return stream;
        };
        let mut client = self.client();
        let hello = flight(&mut client);
        assert_eq!(hello.len(), script.hello.len());
        stream.write_all(&hello).await.unwrap();
        hear(&mut stream, &mut client).await;
        let flight = flight(&mut client);
        assert_eq!(hello.len() + flight.len(), script.length());
        stream.write_all(&flight[..second]).await.unwrap();
        stream
    }

    async fn failure_of(&mut self, fault: Fault, count: usize, script: &Script) -> HandshakeFailed {
        let mut stream = self.client_after(count, script).await;
        let accepted = in_time(self.events.next_of(EventKind::Accepted)).await;
        // What a reset or the deadline overtakes would not count as sent.
        while stream.unread() > 0 {
            yield_now().await;
        }
        let mut kept = None;
        match fault {
            Fault::Eof => {
                stream.finish();
                kept = Some(stream);
            }
            Fault::Rst => stream.reset(),
            Fault::Stall => {
                kept = Some(stream);
                self.clock.advance(Deadlines::default().handshake);
            }
        }
        let event = in_time(self.events.next()).await;
        drop(kept);
        let Event::HandshakeFailed(failed) = event else {
            panic!("{fault:?} after {count} bytes: {event:?}");
        };
        let id = accepted.connection().unwrap().id;
        assert_eq!(failed.connection.id, id, "{fault:?} after {count} bytes");
        (*failed).clone()
    }

    fn expected(&self, fault: Fault, count: usize, script: &Script) -> Expected {
        let hello = script.hello.len();
        let is_tls13 = self.version == &rustls::version::TLS13;
        let waiting_for = match count {
            0 => ExpectedMessage::ClientHello,
            _ if count < hello => ExpectedMessage::RestOfClientHello,
            _ if is_tls13 || count >= hello + script.records[0] => ExpectedMessage::ClientFinished,
            _ => ExpectedMessage::ClientKeyExchange,
        };
        // From here on the client has gone on with the handshake, our certificate in hand: the
        // header of the ClientKeyExchange in its record, or that of the first encrypted record
        // behind the ChangeCipherSpec.
        let accepted = if is_tls13 {
            hello + script.records[0] + 5
        } else {
            hello + 5 + 4
        };
        let left_with_our_certificate = (hello..accepted).contains(&count);
        let cause = match fault {
            Fault::Stall if count == 0 => HandshakeCause::TimeoutSilent,
            Fault::Stall => HandshakeCause::TimeoutStalled,
            _ if count == 0 => HandshakeCause::Probe,
            _ if left_with_our_certificate => HandshakeCause::PeerLeftAfterCertificate,
            Fault::Eof => HandshakeCause::PeerClosed,
            Fault::Rst => HandshakeCause::PeerReset,
        };
        Expected {
            cause,
            phase: if count < hello {
                Phase::Hello
            } else {
                Phase::Negotiation
            },
            waiting_for,
        }
    }
}

/// What the client has to say now.
fn flight(client: &mut ClientConnection) -> Vec<u8> {
    let mut flight = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut flight).unwrap();
    }
    flight
}

/// Takes the server's flight, which leaves in one piece.
async fn hear(stream: &mut MemoryStream, client: &mut ClientConnection) {
    let mut heard = [0; 16 * 1024];
    let count = in_time(stream.read(&mut heard)).await.unwrap();
    let mut heard = &heard[..count];
    while !heard.is_empty() {
        client.read_tls(&mut heard).unwrap();
        client.process_new_packets().unwrap();
    }
}

fn every_byte(version: &'static SupportedProtocolVersion) {
    block_on(async {
        let mut bench = Bench::new(version).await;
        let script = bench.script().await;
        let mut failures = 0;
        let mut named = false;
        for count in 0..script.length() {
            for fault in [Fault::Eof, Fault::Rst, Fault::Stall] {
                let failed = bench.failure_of(fault, count, &script).await;
                failures += 1;
                let seen = Expected {
                    cause: failed.failure.cause,
                    phase: failed.failure.phase,
                    waiting_for: failed.failure.evidence.waiting_for.unwrap(),
                };
                let expected = bench.expected(fault, count, &script);
                assert_eq!(seen, expected, "{fault:?} after {count} bytes");
                assert_eq!(failed.stats.bytes_in, count as u64);
                let answered = count >= script.hello.len();
                assert_eq!(failed.stats.bytes_out > 0, answered, "after {count}");
                let names = failed.failure.evidence.sni.is_some();
                assert!(names >= named, "what was read is not forgotten: {count}");
                assert!(names || !answered, "after {count}");
                named = names;
            }
        }
        let figures = bench.handle.snapshot().await.unwrap();
        assert_eq!(figures.permits, 0, "nothing is left behind");
        let counts = figures.inbound;
        assert_eq!((counts.begun, counts.failed), (failures + 1, failures));
        assert_eq!((counts.handshaking, counts.open), (0, 0));
        assert!(counts.balanced());
        // The last byte makes the difference.
        let whole = bench.client_after(script.length(), &script).await;
        in_time(bench.events.next_of(EventKind::Ready)).await;
        drop(whole);
        in_time(bench.events.next_of(EventKind::Closed)).await;
        in_time(bench.handle.shutdown(Duration::ZERO)).await;
        let rest = in_time(bench.events.rest()).await;
        let lives = rest.iter().filter(|event| event.connection().is_some());
        assert_eq!(lives.count(), 0, "each failure was reported once");
        println!("{failures} faults in {} bytes", script.length());
    });
}

#[test]
fn of_a_tls_1_3_handshake() {
    every_byte(&rustls::version::TLS13);
}

#[test]
fn of_a_tls_1_2_handshake() {
    every_byte(&rustls::version::TLS12);
}

#[test]
fn a_stalled_peer_leaves_our_bytes_unacknowledged_or_does_not_answer() {
    block_on(async {
        let mut bench = Bench::new(&rustls::version::TLS13).await;
        for reads in [true, false] {
            let mut stream = bench.dial();
            let mut client = bench.client();
            stream.write_all(&flight(&mut client)).await.unwrap();
            if reads {
                hear(&mut stream, &mut client).await;
            }
            in_time(bench.events.next_of(EventKind::Accepted)).await;
            while stream.unread() > 0 {
                yield_now().await;
            }
            bench.clock.advance(Deadlines::default().handshake);
            let event = in_time(bench.events.next_of(EventKind::HandshakeFailed)).await;
            let Event::HandshakeFailed(failed) = event else {
                unreachable!()
            };
            assert_eq!(failed.failure.cause, HandshakeCause::TimeoutStalled);
            let lost = if reads { 0 } else { failed.stats.bytes_out };
            assert_eq!(failed.failure.evidence.unacknowledged, Some(lost));
            assert!(failed.stats.bytes_out > 0);
        }
    });
}
