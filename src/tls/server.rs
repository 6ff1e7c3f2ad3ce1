//! The server's side of TLS: a connection goes in; an established stream, or the reason why there is none,
//! comes out.

use super::diagnosis::HandshakeEnd;
use super::generation::{Generation, Identities, Presented};
use super::observation::{Observation, PeerAuthentication};
use super::{Abort, Tap, closing};
use crate::cause::CloseCause;
use crate::connection::{Alert, HandshakeFailure, Tls};
use crate::transport::Transport;
use async_tls::server::TlsStream;
use async_tls::{Accept, TlsAcceptor};
use futures_util::io::{AsyncRead, AsyncWrite};
use rustls::ServerConfig;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A server-side handshake in progress.
pub(crate) struct Handshake<T: Transport> {
    stage: HandshakeState<T>,
    tap: Tap<T>,
    presented: Option<Arc<Presented>>,
    identities: Arc<Identities>,
    alpn: Vec<Vec<u8>>,
}

enum HandshakeState<T: Transport> {
    /// The peer's ClientHello is not complete. TLS is set up only afterwards, so that a silent peer
    /// costs little memory.
    Listening(Arc<ServerConfig>),
    Handshaking(Box<Accept<Tap<T>>>),
    /// The handshake is done for TLS, but its last flight has not been sent yet.
    Flushing(Box<TlsStream<Tap<T>>>),
    Over,
}

/// An established TLS stream, used only from the task that owns it.
pub(crate) struct Stream<T: Transport> {
    stream: Box<TlsStream<Tap<T>>>,
    tap: Tap<T>,
}

impl<T: Transport> Handshake<T> {
    pub(crate) fn new(tap: &Tap<T>, generation: &Generation) -> Self {
        let (config, presented) = generation.connection();
        let alpn = config.alpn_protocols.clone();
        Self {
            stage: HandshakeState::Listening(config),
            tap: tap.share(),
            presented,
            identities: generation.identities(),
            alpn,
        }
    }

    /// Ready when the connection is established and our last flight is sent, or with the reason of the
    /// failure. Must not be polled after that.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(Stream<T>, Tls), HandshakeFailure>> {
        if let Err(error) = ready!(self.poll_stages(cx)) {
            return Poll::Ready(Err(self.fail(HandshakeEnd::Failed(&error))));
        }
        let HandshakeState::Flushing(stream) =
            std::mem::replace(&mut self.stage, HandshakeState::Over)
        else {
            let over = io::Error::other("a handshake that was over went on");
            return Poll::Ready(Err(self.fail(HandshakeEnd::Failed(&over))));
        };
        let mut wire = self.tap.wire();
        let agreed = Observation::new(&wire, self.authentication()).agreed(&self.alpn);
        wire.read.release();
        wire.written.release();
        drop(wire);
        let tap = self.tap.share();
        Poll::Ready(Ok((Stream { stream, tap }, agreed)))
    }

    /// Ends the handshake from our side. Drops TLS and keeps the tap.
    pub(crate) fn abort(mut self, why: Abort) -> HandshakeFailure {
        self.fail(match why {
            Abort::Cancelled(by) => HandshakeEnd::Cancelled(by),
            Abort::Deadline => HandshakeEnd::Deadline,
        })
    }

    fn poll_stages(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let HandshakeState::Listening(config) = &self.stage {
            ready!(self.tap.poll_first_message(cx))?;
            let acceptor = TlsAcceptor::from(Arc::clone(config));
            self.stage = HandshakeState::Handshaking(Box::new(acceptor.accept(self.tap.share())));
        }
        if let HandshakeState::Handshaking(accept) = &mut self.stage {
            let stream = ready!(Pin::new(accept).poll(cx))?;
            self.stage = HandshakeState::Flushing(Box::new(stream));
        }
        self.tap.poll_flush(cx)
    }

    fn fail(&mut self, outcome: HandshakeEnd<'_>) -> HandshakeFailure {
        self.stage = HandshakeState::Over;
        let mut wire = self.tap.wire();
        Observation::new(&wire, self.authentication()).failure(outcome, &mut wire)
    }

    fn authentication(&self) -> PeerAuthentication {
        PeerAuthentication {
            client: self.presented.is_some(),
            presented: self.presented.as_ref().and_then(|seen| seen.certificate()),
            identities: Some(Arc::clone(&self.identities)),
        }
    }
}

impl<T: Transport> Stream<T> {
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_read(cx, buffer)
    }

    /// Encrypts plaintext. The ciphertext waits in the tap until the flush.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let stream = Pin::new(&mut *self.stream);
        self.tap
            .with_reads_suspended(|| stream.poll_write(cx, bytes))
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = Pin::new(&mut *self.stream);
        self.tap.with_reads_suspended(|| stream.poll_flush(cx))
    }

    /// Makes the next read ask the system, because time has passed since the last.
    pub(crate) fn look_again(&self) {
        self.tap.look_again();
    }

    /// Whether bytes wait to be sent, TLS's own messages included.
    pub(crate) fn has_unsent(&self) -> bool {
        self.tap.wire().has_unsent()
    }

    /// Whether so many bytes wait to be sent that no more should be written now.
    pub(crate) fn is_full(&self) -> bool {
        self.tap.wire().is_full()
    }

    /// How many bytes wait here to be sent.
    pub(crate) fn buffered(&self) -> usize {
        self.tap.wire().buffered()
    }

    /// Sends close_notify and flushes.
    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = Pin::new(&mut *self.stream);
        self.tap.with_reads_suspended(|| stream.poll_close(cx))
    }

    /// The cause a session closes with after this error, and the alert that explains it.
    pub(crate) fn close_cause(&self, error: &io::Error) -> (CloseCause, Option<Alert>) {
        closing::close_cause(error, &self.tap.wire())
    }
}
