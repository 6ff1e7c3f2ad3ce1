//! The filter in docs/fail2ban, on what the softswitch really writes: text, JSON and event stream.

use sipward_tests::peer::{Authority, Phone, TEST_TIMEOUT, tcp};
use sipward_tests::place::{example, root, scratch};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// The softswitch, with an account `bob:secret` and all it writes in files.
struct Softswitch {
    process: Child,
    address: SocketAddr,
    authority: Authority,
    folder: PathBuf,
}

impl Softswitch {
    fn start(log: &str) -> Self {
        let folder = scratch(format!("fail2ban-{log}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let authority = Authority::new();
        let (chain, key) = authority.issue(&["localhost"]);
        fs::write(folder.join("server.crt"), chain).unwrap();
        fs::write(folder.join("server.key"), key).unwrap();
        let process = Command::new(example("softswitch"))
            .current_dir(&folder)
            .args(["--listen", "127.0.0.1:0", "--domain", "localhost"])
            .args(["--cert", "server.crt", "--key", "server.key"])
            .args(["--user", "bob:secret", "--events", "events", "--log", log])
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut switch = Self {
            process,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            authority,
            folder,
        };
        let listening = switch.wait_for("events", "\"event\":\"listening\"");
        let event: serde_json::Value = serde_json::from_str(&listening).unwrap();
        switch.address = event["listener"].as_str().unwrap().parse().unwrap();
        switch
    }

    fn wait_for(&self, file: &str, wanted: &str) -> String {
        let begun = Instant::now();
        while begun.elapsed() < TEST_TIMEOUT {
            let text = fs::read_to_string(self.folder.join(file)).unwrap_or_default();
            if let Some(line) = text.lines().find(|line| line.contains(wanted)) {
                return line.to_owned();
            }
            std::thread::yield_now();
        }
        panic!("no `{wanted}` came in {file}")
    }

    fn say(&self, text: &str) {
        let mut stream = tcp(self.address);
        stream.write_all(text.as_bytes()).unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    }

    /// Registers with a wrong password, and a name that tries to have somebody else banned.
    fn guess(&self) {
        let mut phone = Phone::connect(self.address, self.authority.client()).unwrap();
        phone.send(register(1, ""));
        let challenge = answer(&mut phone);
        let (_, nonce) = challenge.split_once("nonce=\"").unwrap();
        let (nonce, _) = nonce.split_once('"').unwrap();
        let credentials = format!(
            "Authorization: Digest username=\"bob\", realm=\"localhost\", nonce=\"{nonce}\", \
             uri=\"sip:localhost\", qop=auth, nc=00000001, cnonce=\"0a4f113b\", algorithm=MD5, \
             response=\"{:032}\"\r\n",
            0
        );
        phone.send(register(2, &credentials));
        answer(&mut phone);
    }

    /// The addresses found in a file, a line each.
    fn found(&self, file: &str) -> Vec<String> {
        let filter = root().join("docs/fail2ban/sipward.conf");
        let output = Command::new("fail2ban-regex")
            .args(["--out", "ip"])
            .arg(self.folder.join(file))
            .arg(filter)
            .output()
            .expect("fail2ban is installed");
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_whitespace().map(str::to_owned).collect()
    }
}

impl Drop for Softswitch {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn register(number: u32, credentials: &str) -> String {
    format!(
        "REGISTER sip:localhost SIP/2.0\r\n\
         Via: SIP/2.0/TLS 127.0.0.1;branch=z9hG4bK{number}\r\n\
         From: <sip:bob@localhost>;tag=1\r\nTo: <sip:bob@localhost>\r\nCall-ID: 1\r\n\
         CSeq: {number} REGISTER\r\nContact: <sip:bob@127.0.0.1;transport=tls>\r\n\
         Max-Forwards: 70\r\n{credentials}Content-Length: 0\r\n\r\n"
    )
}

/// The head of a response without a body.
fn answer(phone: &mut Phone) -> String {
    let mut head = String::new();
    let mut lines = BufReader::with_capacity(1, &mut phone.stream);
    while !head.ends_with("\r\n\r\n") {
        assert!(lines.read_line(&mut head).unwrap() > 0);
    }
    head
}

#[test]
#[ignore = "needs fail2ban"]
fn the_filter_finds_scanners_and_guessers_and_nobody_else() {
    for log in ["pretty", "json"] {
        let switch = Softswitch::start(log);
        // Left alone: a health check, a phone set to TCP, one that does not trust us.
        drop(tcp(switch.address));
        switch.say("REGISTER sip:localhost SIP/2.0\r\n\r\n");
        assert!(Phone::connect(switch.address, Authority::new().client()).is_err());
        switch.wait_for("log", "rejected_by_peer");
        assert_eq!(switch.found("log"), [""; 0], "{log}");
        assert_eq!(switch.found("events"), [""; 0]);

        switch.say("GET / HTTP/1.1\r\n\r\n");
        // The plaintext of the phone was this network's one line of that cause this minute.
        switch.wait_for("events", "\"detail\":\"http\"");
        switch.say("\u{16}\u{3}\u{1}\u{0}\u{5}peer=192.0.2.66:1");
        switch.guess();
        switch.wait_for("log", "auth_failed");
        switch.wait_for("log", "handshake_failed: malformed");
        switch.wait_for("events", "auth_failed");
        assert_eq!(switch.found("log"), ["127.0.0.1"; 2], "{log}");
        assert_eq!(switch.found("events"), ["127.0.0.1"; 3]);
    }
}
