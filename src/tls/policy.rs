//! What an operator chooses about TLS.

use super::generation::Generation;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What an operator chooses about TLS: identities, versions, client authentication, protocols.
///
/// A policy is only a wish; it is checked as a whole, by a real handshake with itself, when a
/// supervisor starts.
///
/// ```no_run
/// use sipward::TlsPolicy;
/// let policy = TlsPolicy::from_pem_files("server.crt", "server.key")?;
/// # Ok::<(), sipward::PolicyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TlsPolicy {
    pub(super) default: Identity,
    pub(super) named: Vec<(String, Identity)>,
    pub(super) strict_names: bool,
    pub(super) versions: TlsVersions,
    pub(super) client_auth: ClientAuth,
    pub(super) alpn: Vec<String>,
    pub(super) tickets: usize,
}

/// A certificate chain, leaf first, and its private key.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) chain: Vec<Vec<u8>>,
    pub(super) key: Vec<u8>,
}

/// Which TLS versions are spoken. Older ones are never (RFC 8996).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersions {
    /// TLS 1.2 and 1.3.
    #[default]
    Tls12And13,
    /// TLS 1.3 alone.
    Tls13,
    /// TLS 1.2 alone: for equipment that fails on newer hellos.
    Tls12,
}

/// Whether peers must show a certificate.
#[derive(Clone, Debug, Default)]
pub enum ClientAuth {
    /// None is asked for.
    #[default]
    None,
    /// One is asked for and checked if shown; peers without are let in.
    Optional(TrustAnchors),
    /// Peers without a valid one are turned away.
    Required(TrustAnchors),
}

/// The certificate authorities that peers' certificates are checked against.
#[derive(Clone, Debug)]
pub struct TrustAnchors {
    pub(super) certificates: Vec<Vec<u8>>,
    pub(super) revocation_lists: Vec<Vec<u8>>,
    pub(super) identities: Vec<String>,
}

/// A TLS policy that cannot be used. Always the operator's to mend; nothing has been changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum PolicyError {
    /// A file cannot be read.
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no PEM certificate where one is expected.
    NoCertificate,
    /// There is no PEM private key where one is expected (PKCS#8, PKCS#1 or SEC1, not encrypted).
    NoKey,
    /// The private key is of a kind that is not supported (RSA, P-256, P-384, Ed25519 are).
    UnsupportedKey,
    /// A certificate authority's certificate cannot be used.
    BadTrustAnchor(String),
    /// A revocation list cannot be used.
    BadRevocationList(String),
    /// A server name to present an identity for is not a DNS name.
    BadServerName(String),
    /// The certificate and the key do not belong together, or a handshake with them fails.
    Unusable(String),
}

impl TlsPolicy {
    /// One identity for every server name, from PEM texts: the chain, leaf first, and the key.
    ///
    /// # Errors
    /// [`PolicyError::NoCertificate`], [`PolicyError::NoKey`].
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, PolicyError> {
        Ok(Self {
            default: Identity::from_pem(chain, key)?,
            named: Vec::new(),
            strict_names: false,
            versions: TlsVersions::default(),
            client_auth: ClientAuth::None,
            alpn: Vec::new(),
            tickets: 1,
        })
    }

    /// The same from PEM files.
    ///
    /// # Errors
    /// [`PolicyError::Unreadable`] and those of [`TlsPolicy::from_pem`].
    pub fn from_pem_files(
        chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, PolicyError> {
        Self::from_pem(&read(chain.as_ref())?, &read(key.as_ref())?)
    }

    /// Presents another identity, from PEM texts, to peers that ask for this server name
    /// (RFC 6066 §3).
    ///
    /// # Errors
    /// [`PolicyError::NoCertificate`], [`PolicyError::NoKey`].
    pub fn identity(mut self, name: &str, chain: &[u8], key: &[u8]) -> Result<Self, PolicyError> {
        let identity = Identity::from_pem(chain, key)?;
        self.named.push((name.to_ascii_lowercase(), identity));
        Ok(self)
    }

    /// Turns away peers that ask for a server name no identity was given for, or for none.
    /// Default: they are shown the first identity, since many phones send no name, or an address.
    pub fn strict_server_names(mut self) -> Self {
        self.strict_names = true;
        self
    }

    /// The TLS versions spoken. Default: 1.2 and 1.3.
    pub fn versions(mut self, versions: TlsVersions) -> Self {
        self.versions = versions;
        self
    }

    /// Whether peers must show a certificate. Default: none is asked for. With one, sessions are
    /// not resumed, so that every certificate is checked every time.
    pub fn client_auth(mut self, client_auth: ClientAuth) -> Self {
        self.client_auth = client_auth;
        self
    }

    /// Application protocols accepted, most wanted first (RFC 7301). Default: none, and whatever a
    /// peer offers is ignored; SIP has no protocol id in general use.
    pub fn alpn(mut self, protocols: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.alpn = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// How many resumption tickets a TLS 1.3 handshake hands out. Default 1; each costs its share
    /// of a handshake. 0 switches resumption off, in TLS 1.2 too.
    pub fn session_tickets(mut self, tickets: usize) -> Self {
        self.tickets = tickets;
        self
    }
}

impl TlsPolicy {
    /// Checks the whole policy as a start would: certificates, keys, names, a handshake with each.
    ///
    /// # Errors
    /// Every [`PolicyError`].
    pub fn validate(&self) -> Result<(), PolicyError> {
        Generation::load(self).map(drop)
    }
}

impl TrustAnchors {
    const fn of(certificates: Vec<Vec<u8>>) -> Self {
        Self {
            certificates,
            revocation_lists: Vec::new(),
            identities: Vec::new(),
        }
    }

    /// Turns away clients whose certificate is on a revocation list of this PEM text (RFC 5280 §5).
    /// May be said several times. A list stays in force after its `nextUpdate`: put a new policy in
    /// place when there is a new one. Has no effect on connections that we open.
    ///
    /// # Errors
    /// [`PolicyError::BadRevocationList`] when there is none; one that cannot be read is found when
    /// the policy is used.
    pub fn revocation_list(mut self, pem: &[u8]) -> Result<Self, PolicyError> {
        let lists: Result<Vec<Vec<u8>>, _> = CertificateRevocationListDer::pem_slice_iter(pem)
            .map(|list| list.map(|der| der.to_vec()))
            .collect();
        let lists = lists.ok().filter(|lists| !lists.is_empty());
        let missing = || PolicyError::BadRevocationList("no PEM X509 CRL section".to_owned());
        self.revocation_lists.extend(lists.ok_or_else(missing)?);
        Ok(self)
    }

    /// Turns away clients whose certificate speaks for none of these SIP domains (RFC 5922 §7).
    /// Default: whom the authorities vouch for is let in. Has no effect on connections that we open,
    /// which say whom they expect.
    pub fn identities(mut self, domains: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.identities = domains.into_iter().map(Into::into).collect();
        self
    }

    /// The authorities in a PEM text.
    ///
    /// # Errors
    /// [`PolicyError::NoCertificate`] when there is none.
    pub fn from_pem(pem: &[u8]) -> Result<Self, PolicyError> {
        let certificates = certificates(pem)?;
        Ok(Self::of(certificates))
    }

    /// The authorities in a PEM file.
    ///
    /// # Errors
    /// [`PolicyError::Unreadable`], [`PolicyError::NoCertificate`].
    pub fn from_pem_file(path: impl AsRef<Path>) -> Result<Self, PolicyError> {
        Self::from_pem(&read(path.as_ref())?)
    }

    /// The authorities whose certificates these are, in DER: a system's store, say.
    ///
    /// ```
    /// use sipward::TrustAnchors;
    /// let nobody = TrustAnchors::from_der([] as [Vec<u8>; 0]);
    /// ```
    pub fn from_der(certificates: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Self {
        let certificates = certificates.into_iter().map(Into::into).collect();
        Self::of(certificates)
    }
}

impl Identity {
    pub(super) fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, PolicyError> {
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| PolicyError::NoKey)?;
        Ok(Self {
            chain: certificates(chain)?,
            key: key.secret_der().to_vec(),
        })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} certificates)", self.chain.len())
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, source } => {
                write!(f, "cannot read {}: {source}", path.display())
            }
            Self::NoCertificate => f.write_str(
                "no certificate found: expected PEM text with a BEGIN CERTIFICATE section",
            ),
            Self::NoKey => f.write_str(
                "no private key found: expected PEM text with an unencrypted PRIVATE KEY section",
            ),
            Self::UnsupportedKey => f.write_str(
                "this kind of private key is not supported: use ECDSA P-256 or P-384, RSA or Ed25519",
            ),
            Self::BadTrustAnchor(why) => {
                write!(f, "a certificate authority cannot be used: {why}")
            }
            Self::BadRevocationList(why) => {
                write!(f, "a certificate revocation list cannot be used: {why}")
            }
            Self::BadServerName(name) => write!(f, "`{name}` is not a DNS name"),
            Self::Unusable(why) => write!(
                f,
                "certificate and key do not work together in a handshake: {why}"
            ),
        }
    }
}

impl std::error::Error for PolicyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(source),
            _ => None,
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, PolicyError> {
    fs::read(path).map_err(|source| PolicyError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

fn certificates(pem: &[u8]) -> Result<Vec<Vec<u8>>, PolicyError> {
    let chain: Result<Vec<Vec<u8>>, _> = CertificateDer::pem_slice_iter(pem)
        .map(|certificate| certificate.map(|der| der.to_vec()))
        .collect();
    chain
        .ok()
        .filter(|chain| !chain.is_empty())
        .ok_or(PolicyError::NoCertificate)
}
