//! The softswitch as its users run it.

use super::events::Events;
use super::program::{Program, command};
use super::scratch::Scratch;
use crate::place::example;
use rustls::{Certificate, ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

/// Two accounts of a domain that resolves nowhere, as options.
pub const ALICE_AND_BOB: [&str; 6] = [
    "--domain",
    "example.com",
    "--user",
    "alice:wonderland",
    "--user",
    "bob:builder",
];

/// A running softswitch on a free port of loopback, with a directory of its own.
pub struct Softswitch {
    pub program: Program,
    pub events: Events,
    pub address: SocketAddr,
    /// What follows the @ in the names of its users.
    pub domain: String,
    pub home: Scratch,
}

/// The command, in an empty directory.
pub fn softswitch(home: &Scratch) -> Command {
    let mut command = command(example("softswitch"));
    command.current_dir(home.path());
    command
}

impl Softswitch {
    /// Starts it with these options more.
    #[track_caller]
    pub fn start(options: &[&str]) -> Self {
        Self::start_in(Scratch::new(), "127.0.0.1:0", options)
    }

    /// Kills it (`kill -9`) and starts it again where it was.
    #[track_caller]
    pub fn dies_and_rises(self, options: &[&str]) -> Self {
        let Self {
            mut program,
            address,
            home,
            ..
        } = self;
        program.kill();
        fs::remove_file(home.file("events.json")).unwrap();
        Self::start_in(home, &address.to_string(), options)
    }

    #[track_caller]
    fn start_in(home: Scratch, listen: &str, options: &[&str]) -> Self {
        let events = Events::of(home.file("events.json"));
        let mut command = softswitch(&home);
        command
            .args(["--listen", listen, "--data", "data"])
            .args(["--events", "events.json"])
            .args(options);
        let mut program = Program::start(&mut command);
        program.says("listening (TLS)");
        let address = events.wait_for(1, "listening")[0].text("listener").parse();
        let mut named = options.iter().skip_while(|option| **option != "--domain");
        Self {
            program,
            address: address.unwrap(),
            domain: named.nth(1).unwrap_or(&"127.0.0.1").to_string(),
            events,
            home,
        }
    }

    /// The certificate its phones must trust.
    pub fn authority(&self) -> PathBuf {
        self.home.file("data/ca.crt")
    }

    /// A client that trusts the switch's authority.
    pub fn trusting(&self) -> Arc<ClientConfig> {
        let pem = fs::read(self.authority()).unwrap();
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let der = certificate.unwrap().to_vec();
            roots.add(&Certificate(der)).unwrap();
        }
        Arc::new(
            ClientConfig::builder()
                .with_safe_defaults()
                .with_root_certificates(roots)
                .with_no_client_auth(),
        )
    }

    /// Stops it as an init system does. It must end well, with every connection accounted for.
    #[track_caller]
    pub fn stop(mut self) {
        self.program.terminate();
        let status = self.program.ends();
        if status.code() != Some(0) {
            self.program.give_up(&format!("ended with {status}"));
        }
        let errors = self.program.errors.so_far();
        let ledger = errors.lines().last().unwrap_or_default();
        if !(ledger.starts_with("ledger: ") && ledger.ends_with("; balanced")) {
            self.program.give_up("did not end with a balanced ledger");
        }
        let still_open = ["+ handshaking 0;", "+ open 0;"].map(|none| ledger.contains(none));
        assert_eq!(still_open, [true, true], "{ledger}");
        let panicked = errors.contains("panicked");
        assert!(!panicked, "{errors}");
        for never in ["discrepancy", "dialled", "observer_failed"] {
            assert!(self.events.of_kind(never).is_empty(), "{never}:\n{errors}");
        }
        assert_eq!(self.events.of_kind("stopped").len(), 1, "{errors}");
    }
}
