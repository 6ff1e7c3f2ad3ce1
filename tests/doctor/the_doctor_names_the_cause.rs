//! The doctor says what is wrong with a SIP server, in sipward's vocabulary, and what to do about it.

use rustls::version::{TLS12, TLS13};
use serde_json::{Value, json};
use sipward::sip::Message;
use sipward::{Application, Flow, Ready, SipSession, Supervisor, TlsPolicy};
use sipward_tests::doctor::examination::{self, examine};
use sipward_tests::doctor::{
    Folder, LOCAL, complaint, complaint_about, findings, hurried, named, settings,
};
use sipward_tests::place::example;
use sipward_tests::server;
use sipward_tests::server::{Authority, Tls, nobody, part, plaintext, self_signed, silent, sip};
use std::io::{Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::process::Command;
use std::time::Duration;

#[async_std::test]
async fn a_server_a_phone_could_use_is_said_to_be_one() {
    for (version, name) in [(&TLS13, "TLSv1.3"), (&TLS12, "TLSv1.2")] {
        let authority = Authority::new();
        let to = Tls::only(version).serve(&authority.issue(&[LOCAL]), |stream| {
            sip(stream, "404 Not Found");
        });
        let findings = findings(to, &settings(authority.anchors())).await;
        assert!(findings.is_usable(), "{}", findings.text());
        let found = findings.json();
        assert_eq!(found["usable"], true);
        let visit = &found["attempts"][0];
        assert_eq!(visit["failure"], Value::Null);
        assert_eq!(visit["version"], name);
        assert_eq!(visit["group"], "x25519");
        assert_eq!(visit["options"]["status"], "404 Not Found");
        assert_eq!(visit["keep_alive"]["pong"], true);
        assert_eq!(visit["certificates"][0]["speaks_for_domain"], true);
        assert_eq!(visit["certificates"][0]["https_style_match"], true);

        let screen = findings.text();
        for expected in [
            name,
            "404 Not Found",
            "CRLF pong",
            "speaks for 127.0.0.1",
            "A phone could use",
        ] {
            assert!(screen.contains(expected), "{expected}: {screen}");
        }
        assert!(screen.lines().count() < 24, "{screen}");
    }
}

#[async_std::test]
async fn a_server_that_writes_latin_1_is_usable() {
    let authority = Authority::new();
    let to = Tls::only(&TLS13).serve(&authority.issue(&[LOCAL]), |stream| {
        // The first line of the response is that of the status, and takes a header with it.
        sip(stream, "200 OK\r\nServer: K\u{f6}ln\r\nSubject: \u{fc}");
    });
    let findings = findings(to, &settings(authority.anchors())).await;
    assert!(findings.is_usable(), "{}", findings.text());
    assert_eq!(
        findings.json()["attempts"][0]["options"]["software"],
        "K\u{fffd}ln"
    );
}

struct Polite;
struct Answering(Flow);

impl Application for Polite {
    type Session = Answering;

    fn open(&self, _: &Ready, flow: Flow) -> Answering {
        Answering(flow)
    }
}

impl SipSession for Answering {
    async fn message(&mut self, request: Message) {
        let _ = self.0.send(server::answer(&request, "200 OK"));
    }
}

#[async_std::test]
async fn sipward_itself_is_in_good_health() {
    let authority = Authority::new();
    let pair = authority.issue(&[LOCAL]);
    let policy = TlsPolicy::from_pem(pair.chain.as_bytes(), pair.key.as_bytes()).unwrap();
    let sipward = Supervisor::builder(policy)
        .listen("127.0.0.1:0")
        .without_log()
        .application(Polite)
        .start()
        .await
        .unwrap();
    let findings = findings(sipward.listeners()[0], &settings(authority.anchors())).await;
    assert!(findings.is_usable(), "{}", findings.text());
    assert_eq!(findings.json()["attempts"][0]["keep_alive"]["pong"], true);
    let report = sipward.shutdown(Duration::from_secs(5)).await;
    assert_eq!(report.inbound.closed, 1);
}

#[async_std::test]
async fn an_expired_a_wrong_name_and_a_self_signed_certificate_are_told_apart() {
    let authority = Authority::new();
    let cases = [
        (authority.expired(&[LOCAL]), "server_certificate_expired"),
        (
            authority.issue(&["sip.example.com"]),
            "server_certificate_wrong_identity",
        ),
        (
            self_signed(&[LOCAL], false),
            "server_certificate_unknown_issuer",
        ),
        (
            self_signed(&[LOCAL], true),
            "server_certificate_unknown_issuer",
        ),
    ];
    for (pair, cause) in cases {
        let failure = complaint_about(&pair, &authority).await;
        assert!(named(cause, "negotiation")(&failure), "{failure}");
    }
}

#[async_std::test]
async fn a_plaintext_a_silent_and_a_refused_port_are_told_apart() {
    let authority = Authority::new();
    let to = plaintext("SIP/2.0 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    let failure = complaint(to, &settings(authority.anchors())).await;
    assert!(named("plaintext", "hello")(&failure), "{failure}");
    assert_eq!(failure["detail"], "sip SIP/2.0");

    let failure = complaint(silent(), &hurried(&authority)).await;
    assert!(named("timeout_silent", "hello")(&failure), "{failure}");

    let failure = complaint(nobody(), &settings(authority.anchors())).await;
    assert!(named("connect_refused", "connect")(&failure), "{failure}");
}

#[async_std::test]
async fn a_wildcard_is_said_to_be_good_for_browsers_only() {
    let authority = Authority::new();
    let pair = authority.issue(&["*.localhost.test", "sip:elsewhere.example", LOCAL]);
    let to = Tls::default().serve(&pair, |stream| sip(stream, "200 OK"));
    let findings = findings(to, &settings(authority.anchors())).await;
    let certificate = &findings.json()["attempts"][0]["certificates"][0];
    assert_eq!(certificate["speaks_for_domain"], true);
    let target = format!("sips:localhost:{}", to.port()).parse().unwrap();
    let findings = examine(target, &settings(authority.anchors())).await;
    let found = findings.json();
    // localhost may be ::1 first, where nobody listens.
    let attempts = found["attempts"].as_array().unwrap();
    let certificate = &attempts.last().unwrap()["certificates"][0];
    assert_eq!(certificate["speaks_for_domain"], false);
    assert_eq!(certificate["identities"], json!(["elsewhere.example"]));
}

#[async_std::test]
async fn a_server_that_demands_a_certificate_is_explained_and_satisfied() {
    let authority = Authority::new();
    let ours = authority.issue(&["phone.example.com"]);
    for version in [&TLS13, &TLS12] {
        let to = Tls::only(version)
            .demanding(&authority)
            .serve(&authority.issue(&[LOCAL]), |stream| sip(stream, "200 OK"));
        let mut settings = settings(authority.anchors());
        let without = findings(to, &settings).await;
        assert!(!without.is_usable());
        let found = without.json();
        let attempt = &found["attempts"][0];
        assert_eq!(attempt["asked_for_certificate"], true);
        // Under TLS 1.3 the refusal comes when the handshake is over for us.
        let failure = match attempt["failure"].is_null() {
            true => &attempt["options"]["failure"],
            false => &attempt["failure"],
        };
        assert!(
            named("rejected_by_peer", "client_auth")(failure),
            "{failure}"
        );
        assert!(failure["remedy"].as_str().unwrap().contains("--cert"));
        assert_eq!(failure["alert"], "certificate_required");

        settings.connector = settings
            .connector
            .with_identity(ours.chain.as_bytes(), ours.key.as_bytes())
            .unwrap();
        settings.has_identity = true;
        let with = findings(to, &settings).await;
        assert!(with.is_usable(), "{}", with.text());
    }
}

#[async_std::test]
async fn tls_without_sip_behind_it_is_no_sip_server() {
    let authority = Authority::new();
    let pair = authority.issue(&[LOCAL]);
    let silent = Tls::default().serve(&pair, |mut stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let web = Tls::default().serve(&pair, |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let rude = Tls::default().serve(&pair, |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        stream.conn.send_close_notify();
        let _ = stream.flush();
        part(stream.sock);
    });
    let cases = [
        (silent, hurried(&authority), "first_message_timeout"),
        (web, settings(authority.anchors()), "framing"),
        (rude, settings(authority.anchors()), "peer_closed"),
    ];
    for (to, settings, cause) in cases {
        let findings = findings(to, &settings).await;
        assert!(!findings.is_usable());
        let found = findings.json();
        let failure = &found["attempts"][0]["options"]["failure"];
        assert!(named(cause, "established")(failure), "{failure}");
        assert!(findings.text().contains(&format!("FAILED: {cause}")));
    }
}

#[async_std::test]
async fn a_server_without_keep_alives_can_be_used_all_the_same() {
    let authority = Authority::new();
    let to = Tls::default().serve(&authority.issue(&[LOCAL]), |mut stream| {
        let mut request = [0; 4096];
        let count = stream.read(&mut request).unwrap();
        let request = Message::parse(request[..count].to_vec().into()).unwrap();
        let _ = stream.write_all(server::answer(&request, "200 OK").as_bytes());
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let findings = findings(to, &hurried(&authority)).await;
    assert!(findings.is_usable(), "{}", findings.text());
    let keep_alive = &findings.json()["attempts"][0]["keep_alive"];
    assert_eq!(keep_alive["pong"], false);
    assert_eq!(keep_alive["failure"]["cause"], "pong_missed");
}

#[async_std::test]
async fn srv_leads_to_servers_that_must_speak_for_the_domain_itself() {
    let authority = Authority::new();
    let to = Tls::default().serve(&authority.issue(&["example.test"]), |stream| {
        sip(stream, "200 OK");
    });
    let mut settings = settings(authority.anchors());
    // Listed against their order.
    let records = [(20, to.port()), (10, nobody().port())];
    settings.nameserver = Some(nameserver("localhost", &records));
    let findings = examine("sips:example.test".parse().unwrap(), &settings).await;
    assert!(findings.is_usable(), "{}", findings.text());
    let found = findings.json();
    let attempts = found["attempts"].as_array().unwrap();
    assert_eq!(attempts[0]["failure"]["cause"], "connect_refused");
    assert_eq!(attempts.last().unwrap()["address"], to.to_string());
    assert!(
        findings
            .text()
            .contains("SRV _sips._tcp.example.test is localhost:")
    );
}

#[async_std::test]
async fn a_domain_that_says_it_has_no_sips_is_believed() {
    let mut settings = settings(Authority::new().anchors());
    settings.nameserver = Some(nameserver("", &[(0, 0)]));
    let findings = examine("sips:example.test".parse().unwrap(), &settings).await;
    assert!(!findings.is_usable());
    let failure = &findings.json()["resolution"]["failure"];
    assert!(named("dns_not_found", "resolve")(failure), "{failure}");
}

#[async_std::test]
async fn a_certificate_cannot_steer_the_terminal() {
    let authority = Authority::new();
    let pair = authority.issue_with(&["other.example"], |params| {
        let name = "\u{1b}[2Jgood";
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
    });
    let to = Tls::default().serve(&pair, |stream| sip(stream, "200 OK"));
    let screen = findings(to, &settings(authority.anchors())).await.text();
    assert!(screen.contains("good"), "{screen}");
    assert!(!screen.contains('\u{1b}'));
}

#[test]
fn targets_are_sip_uris_with_tls() {
    let same = [
        ("sips:Example.com", "sips:example.com"),
        ("example.com:5071", "sips:example.com:5071"),
        (
            "sip:alice@example.com:5071;transport=tls",
            "sip:example.com:5071;transport=tls",
        ),
        ("sips:[2001:db8::1]:5061", "sips:[2001:db8::1]:5061"),
        ("2001:db8::1", "sips:[2001:db8::1]"),
        ("sips:192.0.2.1", "sips:192.0.2.1"),
    ];
    for (text, uri) in same {
        let target: examination::Target = text.parse().unwrap();
        assert_eq!(target.to_string(), uri);
    }
    for text in [
        "",
        "sips:",
        "sips:a b",
        "sips:host:0",
        "sips:host:70000",
        "sips:[::1",
        "http://x",
    ] {
        assert!(text.parse::<examination::Target>().is_err(), "{text}");
    }
}

#[test]
fn the_exit_code_is_0_only_when_a_phone_could_use_it() {
    let authority = Authority::new();
    let good = Tls::default().serve(&authority.issue(&[LOCAL]), |stream| sip(stream, "200 OK"));
    let folder = Folder::new();
    let ca = folder.file("ca.pem", authority.pem());
    let code = |arguments: &[&str]| {
        let doctor = Command::new(example("doctor")).args(arguments).output();
        doctor.unwrap().status.code()
    };
    let ca = ca.as_str();
    assert_eq!(code(&["--ca", ca, &format!("sips:{good}")]), Some(0));
    assert_eq!(
        code(&["--json", "--ca", ca, &format!("sips:{}", nobody())]),
        Some(1)
    );
    assert_eq!(
        code(&["--ca", "/nowhere/ca.pem", "sips:127.0.0.1"]),
        Some(2)
    );
}

/// Answers every question with these SRV records (priority and port) for one target (RFC 2782).
fn nameserver(target: &'static str, records: &[(u16, u16)]) -> SocketAddr {
    const HEADER: usize = 12;
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let records = records.to_vec();
    std::thread::spawn(move || {
        let mut question = [0; 512];
        while let Ok((_, from)) = socket.recv_from(&mut question) {
            let name = question[HEADER..]
                .iter()
                .position(|byte| *byte == 0)
                .unwrap()
                + 1;
            let mut answer = question[..HEADER + name + 4].to_vec();
            // A response, recursion available; one question, so many answers, nothing else.
            answer[2..HEADER].copy_from_slice(&[
                0x81,
                0x80,
                0,
                1,
                0,
                records.len() as u8,
                0,
                0,
                0,
                0,
            ]);
            for (priority, port) in &records {
                let mut encoded = Vec::new();
                if !target.is_empty() {
                    encoded.push(target.len() as u8);
                    encoded.extend(target.as_bytes());
                }
                encoded.push(0);
                // The question's name again, type SRV, class IN, for a minute.
                answer.extend([0xc0, HEADER as u8, 0, 33, 0, 1, 0, 0, 0, 60]);
                answer.extend((6 + encoded.len() as u16).to_be_bytes());
                answer.extend(priority.to_be_bytes());
                answer.extend(0u16.to_be_bytes());
                answer.extend(port.to_be_bytes());
                answer.extend(encoded);
            }
            let _ = socket.send_to(&answer, from);
        }
    });
    address
}
