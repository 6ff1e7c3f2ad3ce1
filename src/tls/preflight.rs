//! A handshake of a configuration with itself, in memory. It proves that certificate and key belong
//! together and that peers can connect with them.

use super::policy::PolicyError;
use rustls::client::{ServerCertVerified, ServerCertVerifier};
use rustls::version::TLS13;
use rustls::{
    Certificate, ClientConfig, ClientConnection, PrivateKey, ServerConfig, ServerConnection,
    ServerName, SupportedProtocolVersion,
};
use std::sync::Arc;
use std::time::SystemTime;

/// How many flights are exchanged at most: more than any handshake has.
const FLIGHTS: usize = 8;

/// Performs a handshake in every version for every name; `None` sends no name.
pub(super) fn shake_hands_with_each<'a>(
    server: &ServerConfig,
    versions: &'static [&'static SupportedProtocolVersion],
    names: impl Iterator<Item = Option<&'a str>>,
) -> Result<(), PolicyError> {
    let server = Arc::new(server.clone());
    for name in names {
        for version in versions {
            shake_hands(&server, version, name)
                .map_err(|error| PolicyError::Unusable(error.to_string()))?;
        }
    }
    Ok(())
}

/// Whether a signature of this key, in PKCS#8, PKCS#1 or SEC1, is one that the certificate verifies.
pub(super) fn proves(certificate: &[u8], key: &[u8]) -> Result<(), rustls::Error> {
    let chain = vec![Certificate(certificate.to_vec())];
    let server = ServerConfig::builder()
        .with_safe_defaults()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKey(key.to_vec()))?;
    shake_hands(&Arc::new(server), &TLS13, None)
}

fn shake_hands(
    server: &Arc<ServerConfig>,
    version: &'static SupportedProtocolVersion,
    name: Option<&str>,
) -> Result<(), rustls::Error> {
    let mut config = ClientConfig::builder()
        .with_safe_default_cipher_suites()
        .with_safe_default_kx_groups()
        .with_protocol_versions(&[version])?
        .with_custom_certificate_verifier(Arc::new(ChecksSignaturesOnly))
        .with_no_client_auth();
    config.enable_sni = name.is_some();
    let name = ServerName::try_from(name.unwrap_or("localhost"))
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    let mut client = ClientConnection::new(Arc::new(config), name)?;
    let mut server = ServerConnection::new(Arc::clone(server))?;
    let broken = |error: std::io::Error| rustls::Error::General(error.to_string());

    for _ in 0..FLIGHTS {
        let mut flight = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut flight).map_err(broken)?;
        }
        let mut sent = flight.as_slice();
        while !sent.is_empty() {
            server.read_tls(&mut sent).map_err(broken)?;
            server.process_new_packets()?;
        }
        if !client.is_handshaking() && !server.is_handshaking() {
            return Ok(());
        }
        let mut flight = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut flight).map_err(broken)?;
        }
        let mut sent = flight.as_slice();
        while !sent.is_empty() {
            client.read_tls(&mut sent).map_err(broken)?;
            client.process_new_packets()?;
        }
    }
    Err(rustls::Error::HandshakeNotComplete)
}

/// Accepts any certificate whose key made the signature, because whether it is trusted is decided by
/// real peers.
struct ChecksSignaturesOnly;

impl ServerCertVerifier for ChecksSignaturesOnly {
    fn verify_server_cert(
        &self,
        _end_entity: &Certificate,
        _intermediates: &[Certificate],
        _server_name: &ServerName,
        _scts: &mut dyn Iterator<Item = &[u8]>,
        _ocsp_response: &[u8],
        _now: SystemTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }
}
