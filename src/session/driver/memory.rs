//! How many bytes a session buffers, and how many its TLS may buffer out of sight.

use super::super::control::Control;
use super::SessionDriver;
use crate::session::SessionHandle;
use crate::transport::Transport;
use std::sync::atomic::Ordering;

/// The most that TLS buffers of one handshake message of its own and of one record, in bytes.
const MOST_WITHIN_TLS: usize = (64 + 18) * 1024;

/// How many bytes of TLS's own messages (key updates) may pass before they count as a message that is
/// coming.
const PASSING: usize = 1024;

impl<T: Transport> SessionDriver<T> {
    /// Reports to admission how much this session buffers, before it begins to wait.
    pub(super) fn count_buffers(&self, control: &Control<'_>) {
        let queued = control.handle().queued();
        let coming = self.framer.capacity() + self.in_hand + self.within_tls(control.handle());
        let leaving = self.stream.buffered() + self.outgoing.len() + queued;
        control.permit().buffers(coming + leaving);
    }

    /// How many bytes of an incomplete message have come: those in the framer, or while it has none,
    /// those within TLS.
    pub(super) fn coming(&self, handle: &SessionHandle) -> usize {
        let framed = self.framer.partial();
        match self.within_tls(handle) {
            within if framed == 0 && within > PASSING => within,
            _ => framed,
        }
    }

    /// How many received bytes TLS may hold: those of an incomplete record, or of an incomplete message
    /// of its own.
    fn within_tls(&self, handle: &SessionHandle) -> usize {
        let came =
            handle.counters.bytes_in.load(Ordering::Relaxed) - self.bytes_in_at_last_plaintext;
        usize::try_from(came)
            .unwrap_or(MOST_WITHIN_TLS)
            .min(MOST_WITHIN_TLS)
    }
}
