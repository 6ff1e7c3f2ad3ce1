//! The doctor, sent to a server of the test's.

pub use doctor::examination;

use crate::server::{Authority, Pair, Tls, sip};
use doctor::examination::{Findings, Settings, examine};
use serde_json::Value;
use sipward::{Connector, TrustAnchors};
use std::net::SocketAddr;
use std::time::Duration;

pub const LOCAL: &str = "127.0.0.1";

pub fn settings(anchors: TrustAnchors) -> Settings {
    // Only what is meant to take too long waits for it.
    let timeout = Duration::from_secs(20);
    Settings {
        connector: Connector::new(anchors).unwrap().with_deadline(timeout),
        trusted: "the test's authority".to_owned(),
        has_identity: false,
        timeout,
        nameserver: None,
    }
}

pub fn hurried(authority: &Authority) -> Settings {
    let timeout = Duration::from_millis(300);
    let mut settings = settings(authority.anchors());
    settings.connector = settings.connector.with_deadline(timeout);
    settings.timeout = timeout;
    settings
}

pub async fn findings(to: SocketAddr, settings: &Settings) -> Findings {
    examine(format!("sips:{to}").parse().unwrap(), settings).await
}

/// What the doctor says is wrong with what listens on `to`; the screen must say it too.
pub async fn complaint(to: SocketAddr, settings: &Settings) -> Value {
    let findings = findings(to, settings).await;
    assert!(!findings.is_usable());
    let failure = findings.json()["attempts"][0]["failure"].clone();
    let screen = findings.text();
    let cause = failure["cause"].as_str().unwrap();
    assert!(screen.contains(&format!("FAILED: {cause}")), "{screen}");
    assert!(screen.contains("could NOT use"), "{screen}");
    assert!(failure["remedy"].as_str().unwrap().len() > 20);
    failure
}

pub async fn complaint_about(pair: &Pair, authority: &Authority) -> Value {
    let to = Tls::default().serve(pair, |stream| sip(stream, "200 OK"));
    complaint(to, &settings(authority.anchors())).await
}

pub fn named(cause: &str, phase: &str) -> impl Fn(&Value) -> bool {
    move |failure| failure["cause"] == cause && failure["phase"] == phase
}

/// A folder of its own for files that programs want.
pub struct Folder(std::path::PathBuf);

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Folder {
    pub fn new() -> Self {
        let mut name = [0; 8];
        getrandom::fill(&mut name).unwrap();
        let name = format!("doctor-{:016x}", u64::from_ne_bytes(name));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
