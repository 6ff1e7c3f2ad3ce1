//! Puts a certificate chain in the order in which it is sent: the leaf, then the issuer of each (RFC 8446
//! §4.4.2).

use super::policy::PolicyError;
use super::preflight;
use rustls::{CertificateError, Error};
use x509_parser::prelude::{FromDer, X509Certificate};

/// The certificates in order. The leaf is the first to which the key belongs, since only that one can be
/// used; a certificate that has issued none of them comes last, and one that stands there twice comes once.
pub(super) fn ordered(chain: &[Vec<u8>], key: &[u8]) -> Result<Vec<Vec<u8>>, PolicyError> {
    let mut rest: Vec<&Vec<u8>> = Vec::new();
    for certificate in chain {
        if !rest.contains(&certificate) {
            rest.push(certificate);
        }
    }
    let mut next = Some(leaf(&rest, key)?);
    let mut ordered = Vec::new();
    while let Some(at) = next {
        let certificate = rest.remove(at);
        ordered.push(certificate.clone());
        next = issuer_of(certificate, &rest);
    }
    ordered.extend(rest.into_iter().cloned());
    Ok(ordered)
}

/// Which certificate the key belongs to.
fn leaf(chain: &[&Vec<u8>], key: &[u8]) -> Result<usize, PolicyError> {
    let mut why = None;
    for (at, certificate) in chain.iter().enumerate() {
        match preflight::proves(certificate, key) {
            Ok(()) => return Ok(at),
            Err(error) => {
                why.get_or_insert(error);
            }
        }
    }
    Err(match why {
        Some(Error::InvalidCertificate(CertificateError::BadSignature)) => PolicyError::KeyMismatch,
        Some(Error::InvalidCertificate(CertificateError::Other(inner)))
            if inner.to_string() == "UnsupportedCertVersion" =>
        {
            PolicyError::Unusable(
                "the certificate is of X.509 version 1, which has no extensions; issue it again with a \
                 subjectAltName, which makes it version 3"
                    .to_owned(),
            )
        }
        Some(error) => PolicyError::Unusable(error.to_string()),
        None => PolicyError::NoCertificate(super::FoundInstead::Nothing),
    })
}

/// Which of the others has issued this certificate, going by the names.
fn issuer_of(certificate: &[u8], others: &[&Vec<u8>]) -> Option<usize> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let issuer = certificate.issuer().as_raw();
    others.iter().position(|other| {
        X509Certificate::from_der(other).is_ok_and(|(_, other)| other.subject().as_raw() == issuer)
    })
}
