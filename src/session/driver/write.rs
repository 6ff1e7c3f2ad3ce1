//! What a session sends: first its answers to keep-alives, then the messages queued on its flow.

use super::super::control::Control;
use super::{SessionClose, SessionDriver};
use crate::session::SessionHandle;
use crate::transport::Transport;
use bytes::{Buf, Bytes};
use std::io;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

/// The answer to CRLFCRLF (RFC 5626 §4.4.1).
const PONG: Bytes = Bytes::from_static(b"\r\n");

impl<T: Transport> SessionDriver<T> {
    /// Sends all that is queued, then close_notify.
    pub(in crate::session) fn poll_send_rest(
        &mut self,
        cx: &mut Context<'_>,
        handle: &SessionHandle,
    ) -> Poll<io::Result<()>> {
        while self.load(handle) {
            match self.stream.poll_write(cx, &self.outgoing) {
                Poll::Ready(Ok(count)) => self.sent(count),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        self.stream.poll_close(cx)
    }

    /// Encrypts and sends as much as the peer accepts.
    pub(super) fn send(
        &mut self,
        cx: &mut Context<'_>,
        control: &Control<'_>,
    ) -> Result<(), SessionClose> {
        let handle = control.handle();
        loop {
            let all = self.encrypt(cx, handle)?;
            // TLS answers some messages by itself; a peer that does not accept these bytes is stalled
            // as well.
            self.unflushed |= self.stream.has_unsent();
            if !self.unflushed {
                return Ok(());
            }
            match self.stream.poll_flush(cx) {
                Poll::Ready(Ok(())) if !all => {}
                Poll::Ready(Ok(())) => {
                    self.unflushed = false;
                    self.watch.written();
                    return Ok(());
                }
                Poll::Ready(Err(error)) => return Err(self.broken(&error)),
                Poll::Pending => {
                    let taken = handle.counters.bytes_out.load(Ordering::Relaxed);
                    self.watch.waiting_to_write(taken, control.now());
                    return Ok(());
                }
            }
        }
    }

    /// Hands bytes to TLS until its buffer is full. True when none are left.
    fn encrypt(
        &mut self,
        cx: &mut Context<'_>,
        handle: &SessionHandle,
    ) -> Result<bool, SessionClose> {
        while !self.stream.is_full() {
            if !self.load(handle) {
                return Ok(true);
            }
            self.unflushed = true;
            match self.stream.poll_write(cx, &self.outgoing) {
                Poll::Ready(Ok(count)) => self.sent(count),
                Poll::Ready(Err(error)) => return Err(self.broken(&error)),
                Poll::Pending => break,
            }
        }
        Ok(false)
    }

    fn sent(&mut self, count: usize) {
        self.outgoing.advance(count);
        if self.outgoing.is_empty() {
            // An empty slice would still keep the whole message in memory.
            self.outgoing = Bytes::new();
        }
    }

    /// Sets `outgoing` to what is sent next; false when there is nothing to send.
    fn load(&mut self, handle: &SessionHandle) -> bool {
        if !self.outgoing.is_empty() {
            return true;
        }
        if self.pongs > 0 {
            self.pongs -= 1;
            self.outgoing = PONG;
            return true;
        }
        let Some(message) = handle.pop() else {
            return false;
        };
        handle.counters.messages_out.fetch_add(1, Ordering::Relaxed);
        self.outgoing = message;
        true
    }
}
