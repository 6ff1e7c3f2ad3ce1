//! The only place that names the TLS libraries: a connection goes in, an established stream or the
//! reason why there is none comes out.

mod diagnosis;
mod generation;
mod hello;
mod policy;
mod records;
mod rehearsal;
mod tap;

pub use policy::{ClientAuth, PolicyError, TlsPolicy, TlsVersions, TrustAnchors};

pub(crate) use generation::Generation;
pub(crate) use tap::Tap;

use crate::cause::{Cancelled, CloseCause, HandshakeCause};
use crate::evidence::{Alert, Tls};
use crate::lane::HandshakeFailure;
use crate::transport::Transport;
use async_tls::server::TlsStream;
use async_tls::{Accept, TlsAcceptor};
use diagnosis::Witness;
use futures_util::io::{AsyncRead, AsyncWrite};
use generation::Presented;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A server-side handshake going on.
pub(crate) struct Handshake<T: Transport> {
    stage: Stage<T>,
    tap: Tap<T>,
    presented: Option<Arc<Presented>>,
    alpn: Vec<Vec<u8>>,
}

enum Stage<T: Transport> {
    Shaking(Accept<Tap<T>>),
    /// TLS is content; its last flight has still to leave.
    Flushing(TlsStream<Tap<T>>),
    Over,
}

/// An established TLS stream. Everything on it is done from the one task that owns it.
pub(crate) struct Stream<T: Transport> {
    stream: TlsStream<Tap<T>>,
    tap: Tap<T>,
}

/// Why a handshake was not waited for any longer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum GivenUp {
    Deadline,
    Cancelled(Cancelled),
}

impl<T: Transport> Handshake<T> {
    pub(crate) fn new(tap: &Tap<T>, generation: &Generation) -> Self {
        let (config, presented) = generation.connection();
        let alpn = config.alpn_protocols.clone();
        Self {
            stage: Stage::Shaking(TlsAcceptor::from(config).accept(tap.share())),
            tap: tap.share(),
            presented,
            alpn,
        }
    }

    /// Established, with everything we had to say flushed; or why not. Not to be polled after that.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(Box<Stream<T>>, Tls), HandshakeFailure>> {
        if let Stage::Shaking(accept) = &mut self.stage {
            match ready!(Pin::new(accept).poll(cx)) {
                Ok(stream) => self.stage = Stage::Flushing(stream),
                Err(error) => {
                    self.stage = Stage::Over;
                    return Poll::Ready(Err(self.witness().failure(&error)));
                }
            }
        }
        if let Err(error) = ready!(self.tap.poll_flush(cx)) {
            self.stage = Stage::Over;
            return Poll::Ready(Err(self.witness().failure(&error)));
        }
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Flushing(stream) => {
                let agreed = self.witness().agreed(&self.alpn);
                let mut wire = self.tap.wire();
                wire.read.release();
                wire.written.release();
                drop(wire);
                let tap = self.tap.share();
                Poll::Ready(Ok((Box::new(Stream { stream, tap }), agreed)))
            }
            Stage::Shaking(_) | Stage::Over => {
                let over = io::Error::other("a handshake that was over went on");
                Poll::Ready(Err(self.witness().failure(&over)))
            }
        }
    }

    /// Ends the handshake from our side. TLS is dropped; its tap stays.
    pub(crate) fn give_up(mut self, why: GivenUp) -> HandshakeFailure {
        self.stage = Stage::Over;
        let witness = self.witness();
        let cause = match why {
            GivenUp::Cancelled(by) => HandshakeCause::Cancelled(by),
            GivenUp::Deadline => witness.timeout(),
        };
        witness.failed(cause)
    }

    fn witness(&self) -> Witness {
        let certificate = self.presented.as_ref().and_then(|seen| seen.certificate());
        Witness::new(&self.tap.wire(), certificate)
    }
}

impl<T: Transport> Stream<T> {
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }

    /// Encrypts; what results waits in the tap until the flush.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.tap.wire().set_deaf(true);
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.tap.wire().set_deaf(false);
        written
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tap.wire().set_deaf(true);
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.tap.wire().set_deaf(false);
        flushed
    }

    /// Says close_notify and flushes it.
    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tap.wire().set_deaf(true);
        let closed = Pin::new(&mut self.stream).poll_close(cx);
        self.tap.wire().set_deaf(false);
        closed
    }

    /// What an error of this stream means for the session, and the alert behind it.
    pub(crate) fn close_cause(&self, error: &io::Error) -> (CloseCause, Option<Alert>) {
        diagnosis::close_cause(error, &self.tap.wire())
    }
}
