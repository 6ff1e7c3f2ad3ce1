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

/// A server-side handshake going on.
pub(crate) struct Handshake<T: Transport> {
    stage: HandshakeState<T>,
    tap: Tap<T>,
    presented: Option<Arc<Presented>>,
    identities: Arc<Identities>,
    alpn: Vec<Vec<u8>>,
}

enum HandshakeState<T: Transport> {
    /// The peer has not finished its hello; TLS is not set up before.
    Listening(Arc<ServerConfig>),
    Handshaking(Box<Accept<Tap<T>>>),
    /// TLS is content; its last flight has still to leave.
    Flushing(Box<TlsStream<Tap<T>>>),
    Over,
}

/// An established TLS stream. Everything on it is done from the one task that owns it.
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

    /// Established, with everything we had to say flushed; or why not. Not to be polled after that.
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

    /// Ends the handshake from our side. TLS is dropped; its tap stays.
    pub(crate) fn abort(mut self, why: Abort) -> HandshakeFailure {
        self.fail(match why {
            Abort::Cancelled(by) => HandshakeEnd::Cancelled(by),
            Abort::Deadline => HandshakeEnd::Deadline,
        })
    }

    fn poll_stages(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let HandshakeState::Listening(config) = &self.stage {
            ready!(self.tap.poll_first_words(cx))?;
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

    /// Encrypts; what results waits in the tap until the flush.
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

    /// Time has passed in which nothing was read: the next read asks the system.
    pub(crate) fn look_again(&self) {
        self.tap.look_again();
    }

    /// Whether something waits for the peer, TLS's own messages included.
    pub(crate) fn has_unsent(&self) -> bool {
        self.tap.wire().has_unsent()
    }

    /// Whether so much waits for the peer that no more should be written now.
    pub(crate) fn is_full(&self) -> bool {
        self.tap.wire().is_full()
    }

    /// Bytes that wait for the peer here.
    pub(crate) fn buffered(&self) -> usize {
        self.tap.wire().buffered()
    }

    /// Says close_notify and flushes it.
    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = Pin::new(&mut *self.stream);
        self.tap.with_reads_suspended(|| stream.poll_close(cx))
    }

    /// What an error of this stream means for the session, and the alert behind it.
    pub(crate) fn close_cause(&self, error: &io::Error) -> (CloseCause, Option<Alert>) {
        closing::close_cause(error, &self.tap.wire())
    }
}
