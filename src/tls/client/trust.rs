//! Checks that a server speaks for the domain we connect to: by a chain to a trust anchor, and by the
//! SIP domain (RFC 5922 §7.3).

use super::ServerAuthentication;
use crate::connection::Certificate as Facts;
use crate::tls::policy::TrustAnchors;
use rustls::client::{
    ServerCertVerified, ServerCertVerifier, verify_server_cert_signed_by_trust_anchor,
};
use rustls::server::ParsedCertificate;
use rustls::{Certificate, CertificateError, Error, RootCertStore, ServerName};
use std::sync::Arc;
use std::time::SystemTime;
use x509_parser::oid_registry::{
    OID_PKCS1_RSASSAPSS, OID_PKCS1_SHA256WITHRSA, OID_PKCS1_SHA384WITHRSA, OID_PKCS1_SHA512WITHRSA,
    OID_SIG_ECDSA_WITH_SHA256, OID_SIG_ECDSA_WITH_SHA384, OID_SIG_ED25519,
};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Checks the chain, then the domain. Keeps the certificates the server presented, valid or not.
pub(super) struct DomainVerifier {
    pub(super) roots: Arc<RootCertStore>,
    pub(super) anchors: Arc<TrustAnchors>,
    pub(super) domain: String,
    pub(super) server: Arc<ServerAuthentication>,
}

impl ServerCertVerifier for DomainVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &Certificate,
        intermediates: &[Certificate],
        _: &ServerName,
        _: &mut dyn Iterator<Item = &[u8]>,
        _: &[u8],
        now: SystemTime,
    ) -> Result<ServerCertVerified, Error> {
        let server = self.server.chain.get_or_init(|| {
            let chain = std::iter::once(end_entity).chain(intermediates);
            chain.map(|certificate| certificate.0.clone()).collect()
        });
        let facts = Facts::from_der(&end_entity.0).map_err(|_| CertificateError::BadEncoding)?;
        if self.anchors.certificates.contains(&end_entity.0) {
            within_validity(&facts, now)?;
        } else {
            let parsed = ParsedCertificate::try_from(end_entity)?;
            verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, intermediates, now)
                .map_err(|error| plainly(error, &facts, server))?;
        }
        if !facts.speaks_for(&self.domain) {
            return Err(CertificateError::NotValidForName.into());
        }
        Ok(ServerCertVerified::assertion())
    }
}

/// Checks a certificate that is itself a trust anchor. Only its validity period is checked, as phones
/// do with a self-signed certificate that was installed on them.
fn within_validity(facts: &Facts, now: SystemTime) -> Result<(), CertificateError> {
    if now < facts.not_before {
        return Err(CertificateError::NotValidYet);
    }
    if now > facts.not_after {
        return Err(CertificateError::Expired);
    }
    Ok(())
}

/// Replaces misleading errors about a chain that leads to no trust anchor by `UnknownIssuer`. The
/// library rejects a self-signed certificate that is marked as an authority for that mark, and a
/// certificate of another authority with the same name as a trusted one for its signature; in both
/// cases the issuer is not trusted.
fn plainly(error: Error, facts: &Facts, chain: &[Vec<u8>]) -> Error {
    let unknown_issuer = match &error {
        Error::InvalidCertificate(CertificateError::Other(inner)) => {
            inner.to_string() == "CaUsedAsEndEntity" && facts.subject == facts.issuer
        }
        Error::InvalidCertificate(CertificateError::BadSignature) => {
            chain.iter().all(|der| is_signed_as_we_can_check(der))
        }
        _ => false,
    };
    match unknown_issuer {
        true => CertificateError::UnknownIssuer.into(),
        false => error,
    }
}

/// Whether the signature's algorithm is supported; SHA-1 is not, for example.
fn is_signed_as_we_can_check(der: &[u8]) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return false;
    };
    let algorithm = &certificate.signature_algorithm.algorithm;
    [
        OID_PKCS1_SHA256WITHRSA,
        OID_PKCS1_SHA384WITHRSA,
        OID_PKCS1_SHA512WITHRSA,
        OID_PKCS1_RSASSAPSS,
        OID_SIG_ECDSA_WITH_SHA256,
        OID_SIG_ECDSA_WITH_SHA384,
        OID_SIG_ED25519,
    ]
    .contains(algorithm)
}
