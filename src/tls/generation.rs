//! One immutable, validated TLS policy. Connections keep the one they were accepted under.

use super::chain;
use super::policy::{ClientAuth, Identity, PolicyError, TlsPolicy, TlsVersions, TrustAnchors};
use super::preflight;
use crate::connection::Certificate;
use crate::panic::panic_message;
use rustls::CertificateError;
use rustls::server::{
    AllowAnyAnonymousOrAuthenticatedClient, AllowAnyAuthenticatedClient, ClientCertVerified,
    ClientCertVerifier, ClientHello, NoClientAuth, NoServerSessionStorage, ResolvesServerCert,
    UnparsedCertRevocationList,
};
use rustls::sign::{CertifiedKey, any_supported_type};
use rustls::version::{TLS12, TLS13};
use rustls::{
    DistinguishedName, PrivateKey, RootCertStore, ServerConfig, SupportedProtocolVersion, Ticketer,
};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

/// One loaded policy, under which new connections are accepted.
pub(crate) struct Generation {
    identities: Arc<Identities>,
    /// The configuration of every connection when no client certificate is asked for; otherwise the
    /// template from which each connection gets its own.
    config: Arc<ServerConfig>,
    versions: &'static [&'static SupportedProtocolVersion],
    /// Checks client certificates; each connection wraps it to remember what was presented.
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    expected: Arc<[String]>,
}

/// The certificate a peer presented, valid or not. Filled during the handshake.
#[derive(Debug, Default)]
pub(super) struct Presented(OnceLock<Arc<Certificate>>);

static TLS12_AND_13: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
static ONLY_TLS13: [&SupportedProtocolVersion; 1] = [&TLS13];
static ONLY_TLS12: [&SupportedProtocolVersion; 1] = [&TLS12];

impl Generation {
    /// Checks the whole policy, with a handshake in memory for each identity and version.
    pub(crate) fn load(policy: &TlsPolicy) -> Result<Self, PolicyError> {
        let identities = Arc::new(Identities::load(policy)?);
        let versions = supported(policy.versions);
        let verifier = verifier(&policy.client_auth)?;

        let mut config =
            configure(versions, NoClientAuth::boxed()).with_cert_resolver(identities.clone());
        config.alpn_protocols = policy.alpn.iter().map(|id| id.clone().into()).collect();
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        preflight::shake_hands_with_each(&config, versions, identities.names())?;

        // A resumed session skips the verifier, so client authentication and tickets exclude
        // each other.
        if policy.tickets > 0 && verifier.is_none() {
            config.ticketer =
                Ticketer::new().map_err(|error| PolicyError::Unusable(error.to_string()))?;
            config.send_tls13_tickets = policy.tickets;
        }
        Ok(Self {
            identities,
            config: Arc::new(config),
            versions,
            verifier,
            expected: expected(&policy.client_auth),
        })
    }

    /// The configuration of one connection, and the place where its client certificate is kept.
    pub(super) fn connection(&self) -> (Arc<ServerConfig>, Option<Arc<Presented>>) {
        let Some(verifier) = &self.verifier else {
            return (Arc::clone(&self.config), None);
        };
        let presented = Arc::new(Presented::default());
        let remembering = Remembering {
            verifier: Arc::clone(verifier),
            expected: Arc::clone(&self.expected),
            presented: Arc::clone(&presented),
        };
        let mut config = configure(self.versions, Arc::new(remembering))
            .with_cert_resolver(Arc::clone(&self.config.cert_resolver));
        config
            .alpn_protocols
            .clone_from(&self.config.alpn_protocols);
        config.session_storage = Arc::clone(&self.config.session_storage);
        config.send_tls13_tickets = self.config.send_tls13_tickets;
        (Arc::new(config), Some(presented))
    }
}

impl Generation {
    /// The identities presented to peers.
    pub(super) fn identities(&self) -> Arc<Identities> {
        Arc::clone(&self.identities)
    }
}

impl Presented {
    pub(super) fn certificate(&self) -> Option<Arc<Certificate>> {
        self.0.get().cloned()
    }
}

pub(super) fn supported(versions: TlsVersions) -> &'static [&'static SupportedProtocolVersion] {
    match versions {
        TlsVersions::Tls12And13 => &TLS12_AND_13,
        TlsVersions::Tls13 => &ONLY_TLS13,
        TlsVersions::Tls12 => &ONLY_TLS12,
    }
}

/// The suites, groups and versions of every connection.
fn configure(
    versions: &'static [&'static SupportedProtocolVersion],
    verifier: Arc<dyn ClientCertVerifier>,
) -> rustls::ConfigBuilder<ServerConfig, rustls::server::WantsServerCert> {
    ServerConfig::builder()
        .with_safe_default_cipher_suites()
        .with_safe_default_kx_groups()
        .with_protocol_versions(versions)
        // Fails only when no suite fits the versions; the default suites fit all three choices.
        .expect("the default cipher suites fit TLS 1.2 and TLS 1.3")
        .with_client_cert_verifier(verifier)
}

fn verifier(policy: &ClientAuth) -> Result<Option<Arc<dyn ClientCertVerifier>>, PolicyError> {
    Ok(match policy {
        ClientAuth::None => None,
        ClientAuth::Optional(anchors) => {
            let any = AllowAnyAnonymousOrAuthenticatedClient::new(roots(anchors)?);
            Some(Arc::new(read_lists(|| any.with_crls(lists(anchors)))?))
        }
        ClientAuth::Required(anchors) => {
            let any = AllowAnyAuthenticatedClient::new(roots(anchors)?);
            Some(Arc::new(read_lists(|| any.with_crls(lists(anchors)))?))
        }
    })
}

/// The SIP domains of which a client must speak for one; empty when any client is admitted.
fn expected(policy: &ClientAuth) -> Arc<[String]> {
    match policy {
        ClientAuth::None => [].into(),
        ClientAuth::Optional(anchors) | ClientAuth::Required(anchors) => {
            anchors.identities.clone().into()
        }
    }
}

fn lists(anchors: &TrustAnchors) -> impl Iterator<Item = UnparsedCertRevocationList> + '_ {
    let lists = anchors.revocation_lists.iter();
    lists.map(|der| UnparsedCertRevocationList(der.clone()))
}

/// Reads revocation lists. Catches panics, because the parser of this version panics on some lists
/// (RUSTSEC-2026-0104).
fn read_lists<V>(
    read: impl FnOnce() -> Result<V, rustls::CertRevocationListError>,
) -> Result<V, PolicyError> {
    let unreadable = |why: String| PolicyError::BadRevocationList(why);
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(read) => read.map_err(|error| unreadable(format!("{error:?}"))),
        Err(panic) => Err(unreadable(panic_message(&*panic))),
    }
}

pub(super) fn roots(anchors: &TrustAnchors) -> Result<RootCertStore, PolicyError> {
    let mut roots = RootCertStore::empty();
    for der in &anchors.certificates {
        roots
            .add(&rustls::Certificate(der.clone()))
            .map_err(|error| PolicyError::BadTrustAnchor(error.to_string()))?;
    }
    Ok(roots)
}

/// Picks the identity for the server name a peer asks for.
pub(super) struct Identities {
    default: ServedIdentity,
    named: HashMap<String, ServedIdentity>,
    strict: bool,
}

/// One identity.
struct ServedIdentity {
    key: Arc<CertifiedKey>,
    /// The end of the leaf's validity, if it can be read.
    until: Option<SystemTime>,
}

impl Identities {
    fn load(policy: &TlsPolicy) -> Result<Self, PolicyError> {
        let mut named = HashMap::new();
        for (name, identity) in &policy.named {
            let is_dns_name = matches!(
                rustls::ServerName::try_from(name.as_str()),
                Ok(rustls::ServerName::DnsName(_))
            );
            if !is_dns_name {
                return Err(PolicyError::BadServerName(name.clone()));
            }
            named.insert(canonical(name), ServedIdentity::load(identity)?);
        }
        Ok(Self {
            default: ServedIdentity::load(&policy.default)?,
            named,
            strict: policy.strict_names,
        })
    }

    /// A server name for each identity there is; `None` asks for the first.
    fn names(&self) -> impl Iterator<Item = Option<&str>> {
        let first = (!self.strict).then_some(None);
        first
            .into_iter()
            .chain(self.named.keys().map(|name| Some(name.as_str())))
    }
}

impl Identities {
    /// The end of the validity of the certificate that is presented for this server name.
    pub(super) fn until(&self, name: Option<&str>) -> Option<SystemTime> {
        self.served(name)?.until
    }

    fn served(&self, name: Option<&str>) -> Option<&ServedIdentity> {
        // Nearly every name is in canonical form already, so that nothing is allocated for it.
        let named = name.and_then(|name| {
            self.named
                .get(name)
                .or_else(|| self.named.get(&canonical(name)))
        });
        match named {
            Some(identity) => Some(identity),
            None if self.strict => None,
            None => Some(&self.default),
        }
    }
}

/// The name in lower case and without the dot of the DNS root, because `SIP.example.com.` is the host
/// `sip.example.com`.
fn canonical(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

impl ServedIdentity {
    fn load(identity: &Identity) -> Result<Self, PolicyError> {
        let key = certified(identity)?;
        let leaf = key.cert.first();
        let leaf = leaf.and_then(|leaf| Certificate::from_der(&leaf.0).ok());
        Ok(Self {
            key,
            until: leaf.map(|leaf| leaf.not_after),
        })
    }
}

impl ResolvesServerCert for Identities {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self.served(hello.server_name())?;
        Some(Arc::clone(&shown.key))
    }
}

pub(super) fn certified(identity: &Identity) -> Result<Arc<CertifiedKey>, PolicyError> {
    let key = any_supported_type(&PrivateKey(identity.key.clone()))
        .map_err(|_| PolicyError::UnsupportedKey)?;
    let chain = chain::ordered(&identity.chain, &identity.key)?;
    let chain = chain.into_iter().map(rustls::Certificate);
    Ok(Arc::new(CertifiedKey::new(chain.collect(), key)))
}

/// Remembers the certificate a client presented, valid or not, and rejects clients whose certificate
/// speaks for none of the expected domains.
struct Remembering {
    verifier: Arc<dyn ClientCertVerifier>,
    expected: Arc<[String]>,
    presented: Arc<Presented>,
}

impl ClientCertVerifier for Remembering {
    fn offer_client_auth(&self) -> bool {
        self.verifier.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.verifier.client_auth_mandatory()
    }

    fn client_auth_root_subjects(&self) -> &[DistinguishedName] {
        self.verifier.client_auth_root_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &rustls::Certificate,
        intermediates: &[rustls::Certificate],
        now: SystemTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let certificate = Certificate::from_der(&end_entity.0).ok().map(Arc::new);
        if let Some(certificate) = &certificate {
            self.presented.0.get_or_init(|| Arc::clone(certificate));
        }
        let verified = self
            .verifier
            .verify_client_cert(end_entity, intermediates, now)?;
        let speaks = certificate.is_some_and(|certificate| {
            let mut expected = self.expected.iter();
            expected.any(|domain| certificate.speaks_for(domain))
        });
        if speaks || self.expected.is_empty() {
            return Ok(verified);
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }
}
