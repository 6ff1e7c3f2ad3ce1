//! Reads what an earlier run has stored, and checks it before use.

use std::path::Path;

use rcgen::{KeyPair, PublicKeyData};
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::pem::Pem;

use super::issue::Authority;
use super::{CertificateError, IdentityPaths, Reissue, SubjectNames, files};

const SECONDS_PER_DAY: i64 = 86_400;
/// A certificate with less time left than this is not used.
const MIN_SECONDS_LEFT: i64 = 7 * SECONDS_PER_DAY;

/// The stored authority; `None` if no file of an identity exists.
pub fn authority(
    paths: &IdentityPaths,
    now: OffsetDateTime,
) -> Result<Option<Authority>, CertificateError> {
    let path = &paths.authority;
    let (certificate_pem, key_pem) = match (files::read(path)?, files::read(&paths.authority_key)?)
    {
        (Some(certificate), Some(key)) => (certificate, key),
        (None, None) => return no_authority(paths).map(|()| None),
        (Some(_), None) => return Err(incomplete(path, &paths.authority_key)),
        (None, Some(_)) => return Err(incomplete(&paths.authority_key, path)),
    };
    let pem = first_pem(path, &certificate_pem)?;
    let certificate = x509(path, &pem)?;
    if !certificate.is_ca() {
        return Err(CertificateError::damaged(path, "not an authority's"));
    }
    let key = key_pair(&paths.authority_key, &key_pem)?;
    if !is_key_of(&certificate, &key) {
        return Err(CertificateError::Mismatch {
            certificate: path.clone(),
            key: paths.authority_key.clone(),
        });
    }
    if seconds_left(&certificate, now) <= MIN_SECONDS_LEFT {
        return Err(CertificateError::Expired { path: path.clone() });
    }
    let not_after = certificate.validity().not_after.to_datetime();
    Authority::restore(certificate_pem, not_after, key).map(Some)
}

/// Why the stored server certificate must be replaced; `None` if it can be used.
pub fn reissue_reason(
    paths: &IdentityPaths,
    authority: &Authority,
    names: &SubjectNames,
    now: OffsetDateTime,
) -> Result<Option<Reissue>, CertificateError> {
    let path = &paths.certificate;
    let certificate_pem = files::read(path)?;
    let key_pem = files::read(&paths.key)?;
    let key = key_pem
        .map(|text| key_pair(&paths.key, &text))
        .transpose()?;
    let Some(certificate_pem) = certificate_pem else {
        return Ok(Some(Reissue::Absent));
    };
    let pem = first_pem(path, &certificate_pem)?;
    let certificate = x509(path, &pem)?;
    let issuer_pem = first_pem(&paths.authority, authority.certificate_pem())?;
    let issuer = x509(&paths.authority, &issuer_pem)?;
    let signed = certificate.verify_signature(Some(issuer.public_key()));
    if signed.is_err() || certificate.issuer() != issuer.subject() {
        return Err(CertificateError::Foreign { path: path.clone() });
    }
    let Some(key) = key else {
        return Ok(Some(Reissue::Absent));
    };
    if !is_key_of(&certificate, &key) {
        return Ok(Some(Reissue::OtherKey));
    }
    let missing = match certificate.subject_alternative_name() {
        Ok(extension) => names.missing_in(extension.map_or(&[], |san| &san.value.general_names)),
        Err(error) => return Err(CertificateError::damaged(path, error)),
    };
    if !missing.is_empty() {
        return Ok(Some(Reissue::Uncovered { names: missing }));
    }
    let left = seconds_left(&certificate, now);
    let days = left.div_euclid(SECONDS_PER_DAY);
    Ok((left <= MIN_SECONDS_LEFT).then_some(Reissue::Expiring { days }))
}

/// A server certificate or key without an authority was not made here, so it is an error.
fn no_authority(paths: &IdentityPaths) -> Result<(), CertificateError> {
    for path in [&paths.certificate, &paths.key] {
        if files::read(path)?.is_some() {
            return Err(CertificateError::Foreign { path: path.clone() });
        }
    }
    Ok(())
}

fn incomplete(present: &Path, absent: &Path) -> CertificateError {
    CertificateError::Incomplete {
        present: present.to_owned(),
        absent: absent.to_owned(),
    }
}

fn first_pem(path: &Path, text: &str) -> Result<Pem, CertificateError> {
    let pem = match Pem::iter_from_buffer(text.as_bytes()).next() {
        Some(Ok(pem)) => pem,
        Some(Err(error)) => return Err(CertificateError::damaged(path, error)),
        None => return Err(CertificateError::damaged(path, "no PEM block")),
    };
    match pem.label.as_str() {
        "CERTIFICATE" => Ok(pem),
        label => Err(CertificateError::damaged(
            path,
            format_args!("a PEM block of {label} where a certificate should be"),
        )),
    }
}

fn x509<'a>(path: &Path, pem: &'a Pem) -> Result<X509Certificate<'a>, CertificateError> {
    pem.parse_x509()
        .map_err(|error| CertificateError::damaged(path, error))
}

fn key_pair(path: &Path, text: &str) -> Result<KeyPair, CertificateError> {
    KeyPair::from_pem(text).map_err(|error| CertificateError::damaged(path, error))
}

fn is_key_of(certificate: &X509Certificate<'_>, key: &KeyPair) -> bool {
    *certificate.public_key().subject_public_key.data == *key.der_bytes()
}

/// The seconds until the certificate expires; negative if it has.
fn seconds_left(certificate: &X509Certificate<'_>, now: OffsetDateTime) -> i64 {
    certificate.validity().not_after.timestamp() - now.unix_timestamp()
}
