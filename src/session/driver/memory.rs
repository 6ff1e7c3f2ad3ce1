//! What a session holds of what comes and goes, and what its TLS may hold unseen.

use super::super::control::Control;
use super::SessionDriver;
use crate::session::SessionHandle;
use crate::transport::Transport;
use std::sync::atomic::Ordering;

/// What TLS joins of one message of its own, and one record on top.
const MOST_WITHIN_TLS: usize = (64 + 18) * 1024;

/// What may pass within TLS that is no message: key updates.
const PASSING: usize = 1024;

impl<T: Transport> SessionDriver<T> {
    /// Tells admission what this session holds before it sleeps on it.
    pub(super) fn count_buffers(&self, control: &Control<'_>) {
        let queued = control.handle().queued();
        let coming = self.framer.capacity() + self.in_hand + self.within_tls(control.handle());
        let leaving = self.stream.buffered() + self.outgoing.len() + queued;
        control.permit().buffers(coming + leaving);
    }

    /// How much of a message has come: as the framer has it, or within TLS while that gives nothing.
    pub(super) fn coming(&self, handle: &SessionHandle) -> usize {
        let framed = self.framer.partial();
        match self.within_tls(handle) {
            within if framed == 0 && within > PASSING => within,
            _ => framed,
        }
    }

    /// How much TLS may hold of what has come: a record, or a message of its own, that is not whole.
    fn within_tls(&self, handle: &SessionHandle) -> usize {
        let came = handle.counters.bytes_in.load(Ordering::Relaxed) - self.mark;
        usize::try_from(came)
            .unwrap_or(MOST_WITHIN_TLS)
            .min(MOST_WITHIN_TLS)
    }
}
