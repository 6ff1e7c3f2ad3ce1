//! Whether a server is who we dialled: a chain to an anchor, and the SIP domain (RFC 5922 §7.3).

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

/// Checks the chain, then the domain; keeps what was server, whatever the verdict.
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

/// A certificate that is itself an anchor is trusted as it stands, as a self-signed one is by the
/// phones it was installed on; only its time can be wrong.
fn within_validity(facts: &Facts, now: SystemTime) -> Result<(), CertificateError> {
    if now < facts.not_before {
        return Err(CertificateError::NotValidYet);
    }
    if now > facts.not_after {
        return Err(CertificateError::Expired);
    }
    Ok(())
}

/// What is really wrong with a chain that leads to no anchor. A self-signed certificate marked as an
/// authority is refused for that mark, and one of an authority that bears the name of ours, as one
/// made anew does, for its signature; for both it is true that we do not know who issued it.
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

/// Whether the signature is of a kind we can check: not of SHA-1, say.
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
