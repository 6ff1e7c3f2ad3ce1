//! Makes an authority, and issues certificates with it (RFC 5280 section 4.2.1).

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

use super::{CertificateError, SubjectNames};

const AUTHORITY_LIFETIME: Duration = Duration::days(3653);
const SERVER_LIFETIME: Duration = Duration::days(825);
/// Certificates are valid from a little in the past, for phones whose clock is slow.
const CLOCK_SKEW: Duration = Duration::hours(1);

/// An authority that can issue certificates.
pub struct Authority {
    certificate_pem: String,
    not_after: OffsetDateTime,
    issuer: Issuer<'static, KeyPair>,
}

/// A server certificate and its key.
pub struct Issued {
    /// The server's certificate, then the authority's.
    pub chain_pem: String,
    pub key_pem: String,
}

/// A new authority with a P-256 key.
pub fn authority(now: OffsetDateTime) -> Result<Authority, CertificateError> {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = named("softswitch development authority");
    params.not_before = now - CLOCK_SKEW;
    params.not_after = params.not_before + AUTHORITY_LIFETIME;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate_pem = params.self_signed(&key)?.pem();
    Ok(Authority {
        certificate_pem,
        not_after: params.not_after,
        issuer: Issuer::new(params, key),
    })
}

impl Authority {
    /// An authority read from its PEM certificate and key, which must belong
    /// together.
    pub fn restore(
        certificate_pem: String,
        not_after: OffsetDateTime,
        key: KeyPair,
    ) -> Result<Self, CertificateError> {
        let issuer = Issuer::from_ca_cert_pem(&certificate_pem, key)?;
        Ok(Self {
            certificate_pem,
            not_after,
            issuer,
        })
    }

    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// A server certificate for these names with a new P-256 key.
    pub fn issue(
        &self,
        names: &SubjectNames,
        now: OffsetDateTime,
    ) -> Result<Issued, CertificateError> {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = named(names.title());
        params.subject_alt_names = names.to_extension()?;
        params.not_before = now - CLOCK_SKEW;
        params.not_after = self.not_after.min(params.not_before + SERVER_LIFETIME);
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Issued {
            chain_pem: certificate.pem() + &self.certificate_pem,
            key_pem: key.serialize_pem(),
        })
    }
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}
