//! The client's side of TLS: a connection we opened goes in; an established stream, or the reason why
//! there is none, comes out, together with every certificate the server presented.

mod diagnosis;
mod stepwise;
mod trust;

use super::diagnosis::HandshakeEnd;
use super::generation::{certified, roots, supported};
use super::policy::{Identity, PolicyError, TlsPolicy, TlsVersions, TrustAnchors};
use super::{Abort, Tap};
use crate::connection::{Certificate, HandshakeFailure, Tls};
use crate::transport::Transport;
use async_tls::client::TlsStream;
use async_tls::{Connect, TlsConnector};
use futures_util::io::{AsyncRead, AsyncWrite};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, ServerName, SignatureScheme};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use stepwise::Stepwise;
use trust::DomainVerifier;

/// The checked settings of a client: the authorities it trusts, and the certificate it presents.
#[derive(Clone)]
pub(crate) struct ClientPolicy {
    roots: Arc<RootCertStore>,
    anchors: Arc<TrustAnchors>,
    identity: Option<Arc<CertifiedKey>>,
    versions: TlsVersions,
}

/// What the server presented and asked for in one handshake. Filled during the handshake.
#[derive(Debug, Default)]
pub(crate) struct ServerAuthentication {
    chain: OnceLock<Vec<Vec<u8>>>,
    asked_for_certificate: AtomicBool,
}

/// A client-side handshake in progress.
pub(crate) struct ClientHandshake<T: Transport> {
    stage: ClientHandshakeState<T>,
    tap: Tap<T>,
    server: Arc<ServerAuthentication>,
}

enum ClientHandshakeState<T: Transport> {
    Handshaking(Connect<Stepwise<T>>),
    /// The handshake is done for TLS, but its last flight has not been sent yet.
    Flushing(TlsStream<Stepwise<T>>),
    Over,
}

/// An established outbound TLS stream.
pub(crate) struct ClientStream<T: Transport> {
    stream: TlsStream<Stepwise<T>>,
    tap: Tap<T>,
    server: Arc<ServerAuthentication>,
    /// Whether the server has sent anything since the handshake. A TLS 1.3 server that has, has
    /// accepted our certificate.
    server_has_sent: bool,
}

impl ClientPolicy {
    pub(crate) fn new(anchors: TrustAnchors) -> Result<Self, PolicyError> {
        Ok(Self {
            roots: Arc::new(roots(&anchors)?),
            anchors: Arc::new(anchors),
            identity: None,
            versions: TlsVersions::default(),
        })
    }

    /// Sets our certificate, after a handshake in memory has shown that certificate and key belong
    /// together.
    pub(crate) fn identify(&mut self, chain: &[u8], key: &[u8]) -> Result<(), PolicyError> {
        TlsPolicy::from_pem(chain, key)?.validate()?;
        self.identity = Some(certified(&Identity::from_pem(chain, key)?)?);
        Ok(())
    }

    pub(crate) const fn speak(&mut self, versions: TlsVersions) {
        self.versions = versions;
    }

    /// Whether the name is a DNS name or an IP address, so that TLS can use it.
    pub(crate) fn can_ask_for(domain: &str) -> bool {
        ServerName::try_from(domain).is_ok()
    }

    fn config(&self, domain: &str, server: &Arc<ServerAuthentication>) -> ClientConfig {
        let verifier = DomainVerifier {
            roots: Arc::clone(&self.roots),
            anchors: Arc::clone(&self.anchors),
            domain: domain.to_owned(),
            server: Arc::clone(server),
        };
        let identity = Presents {
            identity: self.identity.clone(),
            server: Arc::clone(server),
        };
        let mut config = ClientConfig::builder()
            .with_safe_default_cipher_suites()
            .with_safe_default_kx_groups()
            .with_protocol_versions(supported(self.versions))
            // Fails only when no suite fits the versions; the default suites fit all three choices.
            .expect("the default cipher suites fit TLS 1.2 and TLS 1.3")
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::new(identity));
        // Resumption is off, because a server presents no certificate in a resumed session.
        config.resumption = Resumption::disabled();
        config
    }
}

impl<T: Transport> ClientHandshake<T> {
    pub(crate) fn new(tap: &Tap<T>, policy: &ClientPolicy, domain: &str) -> Self {
        let server = Arc::new(ServerAuthentication::default());
        let connector = TlsConnector::from(Arc::new(policy.config(domain, &server)));
        Self {
            stage: ClientHandshakeState::Handshaking(
                connector.connect(domain, Stepwise::new(tap.share())),
            ),
            tap: tap.share(),
            server,
        }
    }

    /// Ready when the connection is established and our last flight is sent, or with the reason of the
    /// failure. Must not be polled after that.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(ClientStream<T>, Tls), HandshakeFailure>> {
        if let ClientHandshakeState::Handshaking(connect) = &mut self.stage {
            match ready!(Pin::new(connect).poll(cx)) {
                Ok(stream) => self.stage = ClientHandshakeState::Flushing(stream),
                Err(error) => return Poll::Ready(Err(self.fail(&error))),
            }
        }
        if let Err(error) = ready!(self.tap.poll_flush(cx)) {
            return Poll::Ready(Err(self.fail(&error)));
        }
        let ClientHandshakeState::Flushing(mut stream) =
            std::mem::replace(&mut self.stage, ClientHandshakeState::Over)
        else {
            let over = io::Error::other("a handshake that was over went on");
            return Poll::Ready(Err(self.fail(&over)));
        };
        stream.get_mut().let_go();
        let agreed = diagnosis::agreed(&self.tap.wire(), &self.server);
        let stream = ClientStream {
            stream,
            tap: self.tap.share(),
            server: Arc::clone(&self.server),
            server_has_sent: false,
        };
        Poll::Ready(Ok((stream, agreed)))
    }

    /// Ends the handshake from our side. Drops TLS and keeps the tap.
    pub(crate) fn abort(&mut self, why: Abort) -> HandshakeFailure {
        self.stage = ClientHandshakeState::Over;
        let outcome = match why {
            Abort::Deadline => HandshakeEnd::Deadline,
            Abort::Cancelled(by) => HandshakeEnd::Cancelled(by),
        };
        diagnosis::failure(outcome, &mut self.tap.wire(), &self.server)
    }

    pub(crate) fn server(&self) -> &ServerAuthentication {
        &self.server
    }

    fn fail(&mut self, error: &io::Error) -> HandshakeFailure {
        self.stage = ClientHandshakeState::Over;
        diagnosis::failure(
            HandshakeEnd::Failed(error),
            &mut self.tap.wire(),
            &self.server,
        )
    }
}

impl<T: Transport> ClientStream<T> {
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.server_has_sent |= matches!(read, Poll::Ready(Ok(_)));
        read
    }

    /// Encrypts plaintext. The ciphertext waits in the tap until the flush.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.without_reading(|stream| Pin::new(stream).poll_write(cx, bytes))
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.without_reading(|stream| Pin::new(stream).poll_flush(cx))
    }

    /// Sends close_notify, flushes, and ends our half of the connection.
    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.without_reading(|stream| Pin::new(stream).poll_close(cx)))?;
        Poll::Ready(self.tap.shutdown_write())
    }

    /// The failure, in terms of a handshake, that an error of this stream means.
    pub(crate) fn failure(&self, error: &io::Error) -> HandshakeFailure {
        diagnosis::late_failure(
            error,
            self.server_has_sent,
            &mut self.tap.wire(),
            &self.server,
        )
    }

    pub(crate) fn server(&self) -> &ServerAuthentication {
        &self.server
    }

    fn without_reading<R>(&mut self, act: impl FnOnce(&mut TlsStream<Stepwise<T>>) -> R) -> R {
        let stream = &mut self.stream;
        self.tap.with_reads_suspended(|| act(stream))
    }
}

impl ServerAuthentication {
    /// The certificates the server presented that can be read, its own first.
    pub(crate) fn chain(&self) -> Vec<Certificate> {
        let ders = self.chain.get().into_iter().flatten();
        ders.filter_map(|der| Certificate::from_der(der).ok())
            .collect()
    }

    /// Whether the server asked for a certificate of ours.
    pub(crate) fn asked_for_certificate(&self) -> bool {
        self.asked_for_certificate.load(Ordering::Relaxed)
    }
}

/// Presents our certificate to a server that asks for one, and remembers that it asked.
struct Presents {
    identity: Option<Arc<CertifiedKey>>,
    server: Arc<ServerAuthentication>,
}

impl ResolvesClientCert for Presents {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.server
            .asked_for_certificate
            .store(true, Ordering::Relaxed);
        self.identity.clone()
    }

    fn has_certs(&self) -> bool {
        self.identity.is_some()
    }
}
