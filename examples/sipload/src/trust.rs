//! The TLS client: how it verifies servers, which versions it offers, and whether a handshake was a
//! full one.

use crate::session_store::SessionStore;
use rustls::client::{
    HandshakeSignatureValid, Resumption, ServerCertVerified, ServerCertVerifier, WebPkiVerifier,
};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ALL_VERSIONS, Certificate, ClientConfig, DigitallySignedStruct, Error, RootCertStore,
    ServerName, SupportedProtocolVersion,
};
use sipward::TrustAnchors;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;
use std::{fmt, io};

static TLS12_ALONE: &[&SupportedProtocolVersion] = &[&TLS12];
static TLS13_ALONE: &[&SupportedProtocolVersion] = &[&TLS13];

/// How servers are verified, and which versions are offered. Cheap to clone.
#[derive(Clone)]
pub struct Trust {
    roots: Option<Arc<WebPkiVerifier>>,
    versions: &'static [&'static SupportedProtocolVersion],
}

/// Why the authorities' file cannot be used.
#[derive(Debug)]
pub enum TrustError {
    /// It cannot be read, or is not PEM.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// It has no certificate that belongs to an authority.
    NoAuthority(PathBuf),
}

/// A client configuration with a session store of its own, and a count of its full handshakes.
pub struct ClientTls {
    /// For [`rustls::ClientConnection`].
    pub config: Arc<ClientConfig>,
    full: Arc<AtomicU64>,
    tickets: Arc<SessionStore>,
}

/// The versions of TLS to offer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Versions {
    /// 1.2 and 1.3.
    #[default]
    #[value(skip)]
    Both,
    /// TLS 1.2 alone.
    #[value(name = "1.2")]
    Tls12,
    /// TLS 1.3 alone.
    #[value(name = "1.3")]
    Tls13,
}

impl Trust {
    /// Verifies servers against the authorities in this PEM file. With `None` any certificate is
    /// accepted, and signatures are not checked either, which leaves more CPU time to the server.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn new(authorities: Option<&Path>, versions: Versions) -> Result<Self, TrustError> {
        let versions = match versions {
            Versions::Both => ALL_VERSIONS,
            Versions::Tls12 => TLS12_ALONE,
            Versions::Tls13 => TLS13_ALONE,
        };
        let roots = authorities.map(load).transpose()?;
        Ok(Self { roots, versions })
    }

    /// A client that resumes sessions if `resuming`, and otherwise makes full handshakes.
    ///
    /// # Errors
    /// When no cipher suite fits the versions, which does not happen with the default suites.
    pub fn client_tls(&self, resuming: bool) -> Result<ClientTls, Error> {
        let full = Arc::new(AtomicU64::new(0));
        let verifier = CountingVerifier {
            inner: self.roots.clone(),
            full: Arc::clone(&full),
        };
        let mut config = ClientConfig::builder()
            .with_safe_default_cipher_suites()
            .with_safe_default_kx_groups()
            .with_protocol_versions(self.versions)?
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        let tickets = Arc::new(SessionStore::default());
        config.resumption = if resuming {
            Resumption::store(Arc::clone(&tickets) as _)
        } else {
            Resumption::disabled()
        };
        Ok(ClientTls {
            config: Arc::new(config),
            full,
            tickets,
        })
    }
}

impl ClientTls {
    /// How many full handshakes this client has made: those in which a certificate was verified.
    pub fn full_handshakes(&self) -> u64 {
        self.full.load(Ordering::Relaxed)
    }

    /// How many sessions it has received that it may resume.
    pub fn tickets(&self) -> u64 {
        self.tickets.received()
    }
}

/// Counts the certificates that it is asked to verify, which only a full handshake has.
struct CountingVerifier {
    inner: Option<Arc<WebPkiVerifier>>,
    full: Arc<AtomicU64>,
}

impl ServerCertVerifier for CountingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &Certificate,
        intermediates: &[Certificate],
        server_name: &ServerName,
        scts: &mut dyn Iterator<Item = &[u8]>,
        ocsp_response: &[u8],
        now: SystemTime,
    ) -> Result<ServerCertVerified, Error> {
        self.full.fetch_add(1, Ordering::Relaxed);
        match &self.inner {
            None => Ok(ServerCertVerified::assertion()),
            Some(inner) => inner.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                scts,
                ocsp_response,
                now,
            ),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &Certificate,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match &self.inner {
            None => Ok(HandshakeSignatureValid::assertion()),
            Some(inner) => inner.verify_tls12_signature(message, cert, dss),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &Certificate,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match &self.inner {
            None => Ok(HandshakeSignatureValid::assertion()),
            Some(inner) => inner.verify_tls13_signature(message, cert, dss),
        }
    }
}

fn load(path: &Path) -> Result<Arc<WebPkiVerifier>, TrustError> {
    let unreadable = |why: String| TrustError::Unreadable {
        path: path.to_owned(),
        why,
    };
    let text = std::fs::read(path).map_err(|error: io::Error| unreadable(error.to_string()))?;
    let anchors = TrustAnchors::from_pem(&text).map_err(|error| unreadable(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in anchors.der() {
        // A file with a chain also has certificates that are no authority's.
        let _ = roots.add(&Certificate(certificate.to_vec()));
    }
    if roots.is_empty() {
        return Err(TrustError::NoAuthority(path.to_owned()));
    }
    Ok(Arc::new(WebPkiVerifier::new(roots, None)))
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, why } => write!(
                f,
                "{} cannot be used ({why}): give the PEM file of the server's authority",
                path.display()
            ),
            Self::NoAuthority(path) => write!(
                f,
                "{} holds no authority's certificate: give the PEM file of the server's authority",
                path.display()
            ),
        }
    }
}

impl std::error::Error for TrustError {}
