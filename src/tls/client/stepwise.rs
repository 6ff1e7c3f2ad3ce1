//! Passes one record at a time to TLS during the handshake.
//!
//! After an error async-tls writes only the first piece of what TLS has queued. Under TLS 1.3 a whole
//! flight read at once would leave two pieces queued: the ChangeCipherSpec of RFC 8446 appendix D.4,
//! and after it the alert about the server's certificate, which would be lost.

use crate::tls::Tap;
use crate::transport::Transport;
use futures_util::io::{AsyncRead, AsyncWrite};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

const HEADER: usize = 5;

/// A tap whose reads end where a record's header or body ends, until `let_go` is called.
pub(super) struct Stepwise<T> {
    tap: Tap<T>,
    header: [u8; HEADER],
    header_len: usize,
    body_left: usize,
    let_go: bool,
}

impl<T: Transport> Stepwise<T> {
    pub(super) fn new(tap: Tap<T>) -> Self {
        Self {
            tap,
            header: [0; HEADER],
            header_len: 0,
            body_left: 0,
            let_go: false,
        }
    }

    /// Ends the stepwise reading: further reads return as much as there is.
    pub(super) const fn let_go(&mut self) {
        self.let_go = true;
    }

    fn passed(&mut self, bytes: &[u8]) {
        if self.body_left > 0 {
            // No read is longer than what was left.
            self.body_left -= bytes.len();
            return;
        }
        for byte in bytes {
            // No read is longer than what the header lacked.
            self.header[self.header_len] = *byte;
            self.header_len += 1;
        }
        if self.header_len == HEADER {
            let [content, major, _, high, low] = self.header;
            // The bytes are not a TLS record. The diagnosis needs more than five of them, so reads are
            // no longer limited.
            self.let_go = !(20..=24).contains(&content) || major != 3;
            self.body_left = u16::from_be_bytes([high, low]).into();
            self.header_len = 0;
        }
    }
}

impl<T: Transport> AsyncRead for Stepwise<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.let_go {
            return Pin::new(&mut self.tap).poll_read(cx, buffer);
        }
        let step = match self.body_left {
            0 => HEADER - self.header_len,
            left => left,
        };
        let step = step.min(buffer.len());
        let count = ready!(Pin::new(&mut self.tap).poll_read(cx, &mut buffer[..step]))?;
        self.passed(&buffer[..count]);
        if !self.let_go || count == 0 {
            return Poll::Ready(Ok(count));
        }
        match Pin::new(&mut self.tap).poll_read(cx, &mut buffer[count..]) {
            Poll::Ready(Ok(more)) => Poll::Ready(Ok(count + more)),
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Ready(Ok(count)),
        }
    }
}

impl<T: Transport> AsyncWrite for Stepwise<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tap).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tap).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tap).poll_close(cx)
    }
}
