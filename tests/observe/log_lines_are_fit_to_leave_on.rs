//! One line at once, one summary afterwards, and nothing anybody would switch the log off for. The
//! lines are compared whole; only the sizes of what TLS sent, which vary, are left out.

use async_std::task::block_on;
use futures_util::{AsyncReadExt, AsyncWriteExt};
use log::LevelFilter;
use rustls::{ClientConfig, ClientConnection, ServerName, StreamOwned};
use sipward::observe::Redaction;
use sipward::testing::{Dialler, ManualClock, MemoryStream, Recorder};
use sipward::{
    AdmissionLimits, Builder, Deadlines, Discard, EventKind, Handle, LogObserver, Supervisor,
    TlsPolicy,
};
use sipward_tests::journal::Journal;
use sipward_tests::peer::{Authority, in_time};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A supervisor in memory whose clock stands still, with a certificate of 30 days.
struct Bed {
    authority: Authority,
    handle: Handle,
    events: Recorder,
    dialler: Dialler,
    clock: ManualClock,
}

fn start(log: LogObserver) -> Bed {
    start_with(log, |builder| builder)
}

fn start_with(log: LogObserver, choose: impl FnOnce(Builder<Discard>) -> Builder<Discard>) -> Bed {
    let authority = Authority::new();
    let until = SystemTime::now() + Duration::from_secs(30 * 24 * 3600 + 3600);
    let (chain, key) = authority.issue_until(&["localhost"], until);
    let policy = TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
    let (events, observer) = Recorder::new();
    let clock = ManualClock::new();
    let builder = Supervisor::builder(policy)
        .log(log)
        .observer(observer)
        .clock(clock.clone());
    let (builder, dialler) = choose(builder).listen_in_memory();
    Bed {
        authority,
        handle: block_on(builder.start()).unwrap(),
        events,
        dialler,
        clock,
    }
}

impl Bed {
    fn connect(&self, peer: &str) -> MemoryStream {
        self.dialler.connect(peer.parse().unwrap())
    }

    /// Connects, leaves, and is seen to have failed.
    fn probe(&self, peer: &str) {
        drop(self.connect(peer));
        block_on(in_time(self.events.next_of(EventKind::HandshakeFailed)));
    }

    fn phone(&self, peer: &str, config: Arc<ClientConfig>) -> io::Result<Phone> {
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(config, name).unwrap();
        let mut phone = StreamOwned::new(connection, Blocking(self.connect(peer)));
        while phone.conn.is_handshaking() {
            phone.conn.complete_io(&mut phone.sock)?;
        }
        Ok(Phone(phone))
    }

    /// Says this in clear, hears the answer out and leaves.
    fn say(&self, peer: &str, text: &str) {
        let mut stream = self.connect(peer);
        block_on(in_time(async {
            stream.write_all(text.as_bytes()).await.unwrap();
            stream.read_to_end(&mut Vec::new()).await.unwrap();
        }));
        drop(stream);
        block_on(in_time(self.events.next_of(EventKind::HandshakeFailed)));
    }
}

/// The lines after the first, which states the limits.
fn since_the_limits(journal: &Journal) -> Vec<String> {
    let mut lines = journal.lines();
    let first = lines.remove(0);
    assert!(first.starts_with("INFO limits_set connections="), "{first}");
    lines
}

impl Drop for Bed {
    /// Also when the test has failed: what it logs must not reach the next one.
    fn drop(&mut self) {
        block_on(in_time(self.handle.shutdown(Duration::ZERO)));
    }
}

struct Phone(StreamOwned<ClientConnection, Blocking>);

struct Blocking(MemoryStream);

impl Read for Blocking {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        block_on(in_time(self.0.read(buffer)))
    }
}

impl Write for Blocking {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        block_on(in_time(self.0.write(bytes)))
    }

    /// Whole, as TCP would: TLS hands over several records at once.
    fn write_vectored(&mut self, parts: &[io::IoSlice<'_>]) -> io::Result<usize> {
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        self.write(&bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The line with the numbers behind these names replaced by `N`.
fn without(names: &[&str], line: &str) -> String {
    let plain = |word: &str| match word.split_once('=') {
        Some((name, _)) if names.contains(&name) => format!("{name}=N"),
        _ => word.to_owned(),
    };
    line.split(' ').map(plain).collect::<Vec<_>>().join(" ")
}

const PEER: &str = "192.0.2.7:40112";

/// Unlike any other deadline there is.
const HANDSHAKE: Duration = Duration::from_secs(7);

#[test]
fn failures_before_tls_say_all_that_was_seen() {
    let journal = Journal::open(LevelFilter::Trace);
    let bed = start_with(LogObserver::new(), |builder| {
        let mut deadlines = Deadlines::default();
        deadlines.handshake = HANDSHAKE;
        builder.deadlines(deadlines)
    });
    bed.probe(PEER);
    let request = "REGISTER sip:pbx.example.com SIP/2.0\r\nAuthorization: Digest x\r\n\r\n";
    bed.say(PEER, request);
    journal.wait_for("handshake_failed: plaintext");
    // A moment that nobody else's deadline falls on tells when the third connection's is armed.
    bed.clock.advance(Duration::from_secs(1));
    let due = bed.clock.now() + HANDSHAKE;
    let silent = bed.connect(PEER);
    while !bed.clock.alarms().contains(&due) {
        std::thread::yield_now();
    }
    bed.clock.advance(HANDSHAKE);
    journal.wait_for("handshake_failed: timeout_silent");
    drop(silent);
    assert_eq!(
        since_the_limits(&journal),
        [
            "INFO listening listener=127.0.0.1:0",
            "DEBUG accepted id=1 peer=192.0.2.7:40112 local=127.0.0.1:0 listener=127.0.0.1:0 \
             direction=inbound",
            "DEBUG handshake_failed: probe id=1 peer=192.0.2.7:40112 local=127.0.0.1:0 \
             listener=127.0.0.1:0 direction=inbound cause=probe phase=hello fault=peer \
             elapsed_ms=0 bytes_in=0 bytes_out=0 waiting_for=client_hello \
             hint=\"a health check or a port scan\"",
            "DEBUG accepted id=2 peer=192.0.2.7:40112 local=127.0.0.1:0 listener=127.0.0.1:0 \
             direction=inbound",
            "INFO handshake_failed: plaintext (sip REGISTER) id=2 peer=192.0.2.7:40112 \
             local=127.0.0.1:0 listener=127.0.0.1:0 direction=inbound cause=plaintext \
             detail=\"sip REGISTER\" phase=hello fault=peer elapsed_ms=0 bytes_in=65 bytes_out=7 \
             first_bytes=\"REGISTER sip:pbx.example.com SIP\" alert=decode_error \
             alert_direction=out hint=\"phone set to TCP instead of TLS?\"",
            "DEBUG accepted id=3 peer=192.0.2.7:40112 local=127.0.0.1:0 listener=127.0.0.1:0 \
             direction=inbound",
            "INFO handshake_failed: timeout_silent id=3 peer=192.0.2.7:40112 local=127.0.0.1:0 \
             listener=127.0.0.1:0 direction=inbound cause=timeout_silent phase=hello fault=peer \
             elapsed_ms=7000 bytes_in=0 bytes_out=0 waiting_for=client_hello \
             hint=\"a scanner, or a client waiting for us to speak first\"",
        ]
    );
    drop(bed);
}

#[test]
fn sessions_and_rejections_say_what_was_offered_and_agreed_and_when_our_certificate_ends() {
    let journal = Journal::open(LevelFilter::Info);
    let bed = start(LogObserver::new());
    let mut phone = bed.phone(PEER, bed.authority.client()).unwrap();
    journal.wait_for("ready");
    phone.0.conn.send_close_notify();
    phone.0.flush().unwrap();
    drop(phone);
    journal.wait_for("closed");
    // Of the same name as the one that signed, so that its signature is what does not fit.
    let stranger = Authority::new();
    assert!(bed.phone(PEER, stranger.client()).is_err());
    journal.wait_for("rejected");
    let lines = since_the_limits(&journal);
    let lines: Vec<_> = lines[1..]
        .iter()
        .map(|line| without(&["bytes_in", "bytes_out"], line))
        .collect();
    assert_eq!(
        lines,
        [
            "INFO ready id=1 peer=192.0.2.7:40112 local=127.0.0.1:0 listener=127.0.0.1:0 \
             direction=inbound elapsed_ms=0 version=TLSv1.3 \
             cipher_suite=TLS_AES_256_GCM_SHA384 group=x25519 sni=localhost resumed=false \
             offered_versions=TLSv1.3,TLSv1.2 ja4=t13d101100_61a7ad8aa9b6_dc02626b439c \
             certificate_days_left=30",
            "INFO closed: peer_closed id=1 peer=192.0.2.7:40112 local=127.0.0.1:0 \
             listener=127.0.0.1:0 direction=inbound cause=peer_closed fault=nobody duration_ms=0 \
             messages_in=0 messages_out=0 bytes_in=N bytes_out=N",
            "WARN handshake_failed: rejected_by_peer id=2 peer=192.0.2.7:40112 \
             local=127.0.0.1:0 listener=127.0.0.1:0 direction=inbound cause=rejected_by_peer \
             phase=negotiation fault=probably_us elapsed_ms=0 bytes_in=N bytes_out=N \
             sni=localhost offered_versions=TLSv1.3,TLSv1.2 \
             ja4=t13d101100_61a7ad8aa9b6_dc02626b439c version=TLSv1.3 \
             cipher_suite=TLS_AES_256_GCM_SHA384 group=x25519 certificate_days_left=30 \
             alert=decrypt_error alert_direction=in \
             hint=\"it does not trust our certificate?\"",
        ]
    );
    drop(bed);
}

#[test]
fn a_refusal_says_the_limit_and_the_value_found() {
    let journal = Journal::open(LevelFilter::Info);
    let bed = start_with(LogObserver::new(), |builder| {
        builder.limits(AdmissionLimits::default().with_connections(1))
    });
    let _first = bed.connect(PEER);
    block_on(in_time(bed.events.next_of(EventKind::Accepted)));
    let _second = bed.connect("[2001:db8:1:2::3]:5061");
    assert_eq!(
        journal.wait_for("refused"),
        "WARN refused: connection_limit id=2 peer=[2001:db8:1:2::3]:5061 local=127.0.0.1:0 \
         listener=127.0.0.1:0 direction=inbound cause=connection_limit limit=1 current=1 \
         hint=\"full: raise the limit, or look who fills it\""
    );
    drop(bed);
}

#[test]
fn after_the_first_line_one_summary_tells_the_rest_though_nothing_follows() {
    let journal = Journal::open(LevelFilter::Debug);
    let bed = start(LogObserver::new().with_interval(Duration::from_secs(1)));
    for port in 1..=5 {
        bed.probe(&format!("192.0.2.7:{port}"));
    }
    bed.probe("198.51.100.9:7");
    // A second later the observer's own thread says it: nobody connects any more.
    let summary = journal.wait_for("more network=192.0.2.0/24");
    assert_eq!(
        without(&["over_ms"], &summary),
        "DEBUG handshake_failed: probe, 4 more network=192.0.2.0/24 peer=192.0.2.7 cause=probe \
         suppressed=4 over_ms=N"
    );
    let lines = since_the_limits(&journal);
    let probes = lines
        .iter()
        .filter(|line| line.contains("failed: probe id="));
    assert_eq!(probes.count(), 2, "one a network");
    drop(bed);
}

#[test]
fn what_was_only_counted_is_told_before_the_end() {
    let journal = Journal::open(LevelFilter::Debug);
    let bed = start(LogObserver::new().with_interval(Duration::from_secs(3600)));
    for peer in ["192.0.2.7:1", "192.0.2.7:2", "192.0.2.8:3"] {
        bed.probe(peer);
    }
    drop(bed);
    let lines = since_the_limits(&journal);
    let last_two: Vec<_> = lines[lines.len() - 2..]
        .iter()
        .map(|line| without(&["over_ms"], line))
        .collect();
    assert_eq!(
        last_two[0],
        "DEBUG handshake_failed: probe, 2 more network=192.0.2.0/24 cause=probe suppressed=2 \
         over_ms=N",
        "two peers, so none is named"
    );
    assert_eq!(
        last_two[1],
        "INFO stopped begun=3 refused=0 failed=3 ready=0 closed=0 handshaking=0 open=0 dialled=0 \
         balanced=true"
    );
}

#[test]
fn a_health_checker_writes_nothing_above_debug_and_is_fully_counted() {
    let journal = Journal::open(LevelFilter::Trace);
    let bed = start(LogObserver::new());
    for second in 0..60 {
        bed.probe(&format!("192.0.2.7:{}", 40_000 + second));
        bed.clock.advance(Duration::from_secs(1));
    }
    let figures = block_on(in_time(bed.handle.snapshot())).unwrap();
    assert_eq!((figures.inbound.begun, figures.inbound.failed), (60, 60));
    // Each probe was an event of its own too: `probe` has waited for it.
    drop(bed);
    let lines = since_the_limits(&journal);
    let of_peer = lines.iter().filter(|line| line.contains("192.0.2."));
    let of_peer: Vec<_> = of_peer.collect();
    assert!(of_peer.iter().all(|line| line.starts_with("DEBUG ")));
    let failed: Vec<_> = of_peer
        .iter()
        .filter(|line| line.contains("handshake_failed"))
        .collect();
    assert_eq!(failed.len(), 2, "and little at debug");
    assert!(failed[1].contains("suppressed=59"));
}

#[test]
fn an_operator_chooses_the_level_of_a_cause() {
    let journal = Journal::open(LevelFilter::Info);
    let log = LogObserver::new()
        .with_interval(Duration::from_secs(3600))
        .with_level("probe", LevelFilter::Warn)
        .unwrap()
        .with_level("handshake_failed.plaintext", LevelFilter::Off)
        .unwrap();
    let bed = start(log);
    bed.say(PEER, "GET / HTTP/1.1\r\n\r\n");
    bed.probe(PEER);
    bed.probe(PEER);
    drop(bed);
    let lines = since_the_limits(&journal);
    assert!(lines[1].starts_with("WARN handshake_failed: probe id=2 "));
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("WARN handshake_failed: probe, 1 more "))
    );
    assert!(!lines.iter().any(|line| line.contains("plaintext")));
}

#[test]
fn a_level_for_a_cause_that_does_not_exist_is_an_error() {
    for name in ["prob", "", "closed.probe", "ready.probe", "closed.", "."] {
        let mistake = LogObserver::new()
            .with_level(name, LevelFilter::Off)
            .unwrap_err();
        let told = format!("no cause is named `{name}`");
        assert!(mistake.to_string().starts_with(&told), "{mistake}");
    }
    for name in ["peer_closed", "closed.peer_closed", "refused.banned"] {
        assert!(
            LogObserver::new()
                .with_level(name, LevelFilter::Off)
                .is_ok()
        );
    }
}

#[test]
fn redacted_lines_show_no_address_anywhere() {
    for (redaction, peer, local) in [
        (Redaction::Network, "192.0.2.0:40112", "127.0.0.0:0"),
        (Redaction::Full, "redacted:40112", "redacted:0"),
    ] {
        let journal = Journal::open(LevelFilter::Trace);
        let bed = start(LogObserver::new().with_redaction(redaction));
        bed.say(PEER, "OPTIONS sip:192.0.2.7 SIP/2.0\r\n\r\n");
        let line = journal.wait_for("plaintext");
        assert_eq!(
            line,
            format!(
                "INFO handshake_failed: plaintext (sip OPTIONS) id=1 peer={peer} local={local} \
                 listener={local} direction=inbound cause=plaintext detail=\"sip OPTIONS\" \
                 phase=hello fault=peer elapsed_ms=0 bytes_in=33 bytes_out=7 alert=decode_error \
                 alert_direction=out hint=\"phone set to TCP instead of TLS?\""
            )
        );
        let phone = bed.phone(PEER, bed.authority.client()).unwrap();
        journal.wait_for("ready");
        drop(phone);
        journal.wait_for("closed: truncated");
        for _ in 0..3 {
            bed.probe(PEER);
        }
        drop(bed);
        for line in since_the_limits(&journal) {
            let shown: SocketAddr = PEER.parse().unwrap();
            assert!(!line.contains(&shown.ip().to_string()), "{line}");
            assert!(!line.contains("127.0.0.1"), "{line}");
        }
    }
}
