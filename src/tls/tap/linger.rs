//! The lingering close of a connection, so that the last bytes sent still arrive before the socket is
//! closed.
//!
//! Closing a socket with unread input makes the kernel send RST, which may overtake an alert or a
//! close_notify. So: flush, end our half, read and discard a little, close. The caller bounds the time.

use super::Tap;
use crate::transport::Transport;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// How long a peer has to accept the last bytes and to end its half.
pub(crate) const LINGER_TIMEOUT: Duration = Duration::from_secs(1);

/// How many bytes that the peer still sends are read and discarded.
const DISCARD_LIMIT: usize = 64 * 1024;

/// How far a lingering close has come.
#[derive(Debug)]
pub(crate) struct LingeringClose {
    /// Whether the peer has sent close_notify (RFC 8446 §6.1) and so sends nothing more. Then its end
    /// of stream need not be waited for, and closing the socket ends our half.
    peer_is_done: bool,
    half_ended: bool,
    discarded: usize,
}

impl LingeringClose {
    pub(crate) const fn new(peer_is_done: bool) -> Self {
        Self {
            peer_is_done,
            half_ended: false,
            discarded: 0,
        }
    }

    /// Ready when the socket may be closed.
    pub(crate) fn poll<T: Transport>(&mut self, tap: &Tap<T>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.half_ended {
            if ready!(tap.poll_flush(cx)).is_err() {
                return Poll::Ready(());
            }
            if !self.peer_is_done && tap.shutdown_write().is_err() {
                return Poll::Ready(());
            }
            self.half_ended = true;
        }
        while self.discarded < DISCARD_LIMIT {
            match tap.poll_discard(cx) {
                Poll::Ready(Ok(count)) if count > 0 => self.discarded += count,
                Poll::Pending if !self.peer_is_done => return Poll::Pending,
                _ => break,
            }
        }
        Poll::Ready(())
    }
}
