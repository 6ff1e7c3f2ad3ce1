//! The command line.

use crate::examination::{Settings, Target};
use clap::Parser;
use sipward::{Connector, PolicyError, TrustAnchors};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Connects to a SIP server by TLS as a phone would, and says on one screen what works and what
/// does not, why, and what to do. The exit code is 0 when a phone could use the server, 1 when it
/// could not, 2 when the question was wrong.
#[derive(Parser)]
#[command(name = "doctor", version)]
pub struct Options {
    /// The server: sips:host[:port], or sip:host[:port];transport=tls. Without a port SRV
    /// _sips._tcp is looked up first, then the host itself with port 5061
    pub target: Target,

    /// Certificate authorities to trust, in PEM [default: the system's]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// Certificate chain in PEM to show to a server that asks for one
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,

    /// Private key of --cert in PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    /// Print one JSON object instead
    #[arg(long)]
    pub json: bool,

    /// Seconds each step may take; TCP and TLS together are one
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds)]
    timeout: f64,

    /// Name server to ask for SRV [default: those of /etc/resolv.conf]
    #[arg(long, value_name = "ADDR:PORT")]
    nameserver: Option<SocketAddr>,
}

impl Options {
    /// Loads the files that the options name.
    ///
    /// # Errors
    /// Which file cannot be read or used, and why.
    pub fn settings(&self) -> Result<Settings, String> {
        let (connector, trusted) = match &self.ca {
            Some(file) => (
                connector_trusting(file)?,
                format!("authorities of {}", file.display()),
            ),
            None => connector_with_system_store()?,
        };
        let timeout = Duration::from_secs_f64(self.timeout);
        let mut connector = connector.with_deadline(timeout);
        if let (Some(cert), Some(key)) = (&self.cert, &self.key) {
            connector = connector
                .with_identity(&read(cert)?, &read(key)?)
                .map_err(|error| format!("{} and {}: {error}", cert.display(), key.display()))?;
        }
        Ok(Settings {
            connector,
            trusted,
            has_identity: self.cert.is_some(),
            timeout,
            nameserver: self.nameserver,
        })
    }
}

fn connector_trusting(file: &Path) -> Result<Connector, String> {
    TrustAnchors::from_pem_file(file)
        .and_then(Connector::new)
        .map_err(|error| format!("{}: {error}", file.display()))
}

/// Skips certificates of the system's store that cannot be used, since the user can do nothing
/// about them.
fn connector_with_system_store() -> Result<(Connector, String), String> {
    let found = rustls_native_certs::load_native_certs();
    let ders = found.certs.iter().map(|certificate| certificate.to_vec());
    let usable = ders.filter(|der| Connector::new(TrustAnchors::from_der([der.clone()])).is_ok());
    let usable: Vec<Vec<u8>> = usable.collect();
    let trusted = format!("{} authorities of this system", usable.len());
    let connector = Connector::new(TrustAnchors::from_der(usable))
        .map_err(|error: PolicyError| error.to_string())?;
    Ok((connector, trusted))
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.001..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("from 0.001 to 3600 seconds".to_owned()),
    }
}
