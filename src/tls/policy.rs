//! The TLS policy that an operator chooses.

use super::generation::Generation;
use super::pem::{self, FoundInstead};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The TLS settings of a supervisor: identities, versions, client authentication, protocols.
///
/// Its methods do not check the settings against each other. The policy is checked as a whole, by a
/// handshake with itself in memory, when a supervisor starts or [`validate`](Self::validate) is called.
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

/// A certificate chain in any order, and its private key.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) chain: Vec<Vec<u8>>,
    pub(super) key: Vec<u8>,
}

/// Which TLS versions are offered and accepted. TLS 1.0 and 1.1 never are (RFC 8996).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsVersions {
    /// TLS 1.2 and 1.3.
    #[default]
    Tls12And13,
    /// TLS 1.3 alone.
    Tls13,
    /// TLS 1.2 alone: for equipment that fails on newer hellos.
    Tls12,
}

/// Whether peers are asked for a certificate, and what happens without a valid one.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum ClientAuth {
    /// Peers are not asked for a certificate.
    #[default]
    None,
    /// Peers are asked for a certificate. One that is presented must be valid; peers that present none are
    /// admitted.
    Optional(TrustAnchors),
    /// Peers are asked for a certificate. The handshake fails without a valid one.
    Required(TrustAnchors),
}

/// The certificate authorities that peers' certificates are checked against.
#[derive(Clone, Debug)]
pub struct TrustAnchors {
    pub(super) certificates: Vec<Vec<u8>>,
    pub(super) revocation_lists: Vec<Vec<u8>>,
    pub(super) identities: Vec<String>,
}

/// Why a TLS policy cannot be used.
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
    NoCertificate(FoundInstead),
    /// There is no PEM private key where one is expected (PKCS#8, PKCS#1 or SEC1, not encrypted).
    NoKey(FoundInstead),
    /// The private key belongs to none of the certificates.
    KeyMismatch,
    /// The private key is of a kind that is not supported (RSA of 2048 to 4096 bits, P-256, P-384, Ed25519 are).
    UnsupportedKey,
    /// A certificate authority's certificate cannot be used.
    BadTrustAnchor(String),
    /// A revocation list cannot be used.
    BadRevocationList(String),
    /// A server name to present an identity for is not a DNS name.
    BadServerName(String),
    /// A handshake with the certificate and the key fails.
    Unusable(String),
}

impl TlsPolicy {
    /// One identity for every server name, from PEM texts: the chain and the key.
    ///
    /// The texts may have a byte order mark, line ends of any system, blanks, and other text around the
    /// sections. The order of the certificates does not matter: the leaf is the one to which the key
    /// belongs, and the issuer of each is sent behind it. Certificate and key may stand in one text.
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

    /// One identity for every server name, from PEM files, which are read at once.
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
    /// (RFC 6066 §3). Upper case and a dot at the end make no difference, in this name and in the peer's.
    ///
    /// # Errors
    /// [`PolicyError::NoCertificate`], [`PolicyError::NoKey`].
    pub fn with_identity(
        mut self,
        name: &str,
        chain: &[u8],
        key: &[u8],
    ) -> Result<Self, PolicyError> {
        let identity = Identity::from_pem(chain, key)?;
        self.named.push((name.to_owned(), identity));
        Ok(self)
    }

    /// Fails the handshakes of peers that ask for a server name without an identity, or for none.
    /// Default: such peers are shown the first identity, because many phones send no name, or an address.
    pub fn with_strict_server_names(mut self) -> Self {
        self.strict_names = true;
        self
    }

    /// The TLS versions accepted. Default: 1.2 and 1.3.
    pub fn with_versions(mut self, versions: TlsVersions) -> Self {
        self.versions = versions;
        self
    }

    /// Whether peers are asked for a certificate. Default: [`ClientAuth::None`]. With any other choice
    /// TLS sessions are not resumed, so that the certificate is checked in every handshake.
    pub fn with_client_auth(mut self, client_auth: ClientAuth) -> Self {
        self.client_auth = client_auth;
        self
    }

    /// The application protocols accepted, most preferred first (RFC 7301). Default: none, and the
    /// protocols that a peer offers are ignored, because SIP has no protocol id in general use.
    pub fn with_alpn(mut self, protocols: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.alpn = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// How many resumption tickets a peer is sent after a TLS 1.3 handshake. Default 1; each takes
    /// processor time to make. With 0 sessions are not resumed, in TLS 1.2 neither.
    pub fn with_session_tickets(mut self, tickets: usize) -> Self {
        self.tickets = tickets;
        self
    }
}

impl TlsPolicy {
    /// Checks the whole policy as [`Builder::start`](crate::Builder::start) does: certificates, keys,
    /// server names, and a handshake in memory with each.
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

    /// Fails the handshakes of clients whose certificate is on a revocation list of this PEM text (RFC 5280 §5).
    /// Each call adds lists. A list is used also after its `nextUpdate`. A running supervisor keeps the policy
    /// it was built with. Has no effect on connections that we open.
    ///
    /// # Errors
    /// [`PolicyError::BadRevocationList`] when there is none; one that cannot be read is found when
    /// the policy is used.
    pub fn with_revocation_list(mut self, pem: &[u8]) -> Result<Self, PolicyError> {
        let lists = pem::revocation_lists(pem).map_err(|found| {
            let found = Described(&found, "crl");
            PolicyError::BadRevocationList(format!("no PEM section X509 CRL: {found}"))
        })?;
        self.revocation_lists.extend(lists);
        Ok(self)
    }

    /// Fails the handshakes of clients whose certificate speaks for none of these SIP domains (RFC 5922
    /// §7). Default: every client with a certificate of these authorities is admitted. Has no effect on
    /// connections that we open, because each of them names the domain it expects.
    pub fn with_identities(mut self, domains: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.identities = domains.into_iter().map(Into::into).collect();
        self
    }

    /// The authorities in a PEM text.
    ///
    /// # Errors
    /// [`PolicyError::NoCertificate`] when there is none.
    pub fn from_pem(pem: &[u8]) -> Result<Self, PolicyError> {
        let certificates = pem::certificates(pem).map_err(PolicyError::NoCertificate)?;
        Ok(Self::of(certificates))
    }

    /// The authorities in a PEM file.
    ///
    /// # Errors
    /// [`PolicyError::Unreadable`], [`PolicyError::NoCertificate`].
    pub fn from_pem_file(path: impl AsRef<Path>) -> Result<Self, PolicyError> {
        Self::from_pem(&read(path.as_ref())?)
    }

    /// The authorities with these certificates, in DER, for example those of a system's store.
    /// Certificates that cannot be used are reported when the anchors are.
    ///
    /// ```
    /// use sipward::TrustAnchors;
    /// let empty = TrustAnchors::from_der([] as [Vec<u8>; 0]);
    /// ```
    pub fn from_der(certificates: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Self {
        let certificates = certificates.into_iter().map(Into::into).collect();
        Self::of(certificates)
    }

    /// The authorities' certificates, in DER.
    pub fn der(&self) -> impl Iterator<Item = &[u8]> {
        self.certificates.iter().map(Vec::as_slice)
    }
}

impl Identity {
    pub(super) fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, PolicyError> {
        Ok(Self {
            chain: pem::certificates(chain).map_err(PolicyError::NoCertificate)?,
            key: pem::key(key).map_err(PolicyError::NoKey)?,
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
            Self::NoCertificate(found) => write!(
                f,
                "expected a certificate in PEM, a section CERTIFICATE: {}",
                Described(found, "x509")
            ),
            Self::NoKey(found) => write!(
                f,
                "expected an unencrypted private key in PEM, a section PRIVATE KEY: {}",
                Described(found, "pkey")
            ),
            Self::KeyMismatch => f.write_str(
                "the private key belongs to none of the certificates: is one of the two older than the other?",
            ),
            Self::UnsupportedKey => f.write_str(
                "this kind of private key is not supported: use ECDSA P-256 or P-384, RSA of 2048 to \
                 4096 bits, or Ed25519",
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

/// Has no `source`, because the text contains it already; the variant carries it.
impl std::error::Error for PolicyError {}

fn read(path: &Path) -> Result<Vec<u8>, PolicyError> {
    fs::read(path).map_err(|source| PolicyError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

/// What was found, and the command of OpenSSL for what was expected.
struct Described<'a>(&'a FoundInstead, &'a str);

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.describe(f, self.1)
    }
}
