//! How a session closes its connection: whether anything is still sent, and how long that may take.

use super::control::Control;
use super::driver::{SessionClose, SessionDriver};
use crate::cause::{CloseCause, HandshakeCause};
use crate::deadline::Deadlines;
use crate::tls::{LINGER_TIMEOUT, LingeringClose, Tap};
use crate::transport::Transport;

/// Delivers the alert that TLS left in the tap, if the peer is sent one for this cause.
pub(super) async fn after_failed_handshake<T: Transport>(
    tap: &Tap<T>,
    control: &mut Control<'_>,
    cause: &HandshakeCause,
) {
    if cause.peer_is_told() {
        linger(tap, control, false).await;
    }
}

/// Sends what is queued and close_notify, and closes. Returns the reason that applies in the end.
pub(super) async fn after_session<T: Transport>(
    tap: &Tap<T>,
    driver: &mut SessionDriver<T>,
    control: &mut Control<'_>,
    deadlines: &Deadlines,
    mut close: SessionClose,
) -> SessionClose {
    let timeout = match close.cause {
        CloseCause::PeerClosed => deadlines.half_closed,
        _ => close.grace.max(LINGER_TIMEOUT),
    };
    if close.cause.peer_is_told() {
        let handle = control.handle().clone();
        let deadline = control.now() + timeout;
        let sent = control
            .until_forced(deadline, |cx| driver.poll_send_rest(cx, &handle))
            .await;
        if sent.is_err() {
            close.cause = match close.cause {
                CloseCause::PeerClosed => CloseCause::HalfClosedTimeout,
                cause => cause.past_grace(),
            };
        }
    }
    if close.cause != CloseCause::Reset {
        linger(tap, control, close.cause == CloseCause::PeerClosed).await;
    }
    close
}

async fn linger<T: Transport>(tap: &Tap<T>, control: &mut Control<'_>, peer_is_done: bool) {
    let deadline = control.now() + LINGER_TIMEOUT;
    let mut lingering = LingeringClose::new(peer_is_done);
    // The result does not matter, because the socket is closed next.
    let _ = control
        .until_forced(deadline, |cx| lingering.poll(tap, cx))
        .await;
}
