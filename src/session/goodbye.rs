//! The end of a connection: what was said last still arrives, and then the socket is given back.
//!
//! Closing a socket with unread input makes the kernel send RST, which may overtake an alert or a
//! close_notify. So: flush, end our half, read and throw away a little, close; all of it bounded.

use super::control::Control;
use super::pump::{Pump, Stop};
use crate::cause::{CloseCause, HandshakeCause};
use crate::deadline::Deadlines;
use crate::tls::Tap;
use crate::transport::Transport;
use std::task::Poll;
use std::time::Duration;

/// How long a peer has for taking our last words and ending its half.
const LINGER: Duration = Duration::from_secs(1);

/// How much of what it still sends is read for that.
const RUBBISH: usize = 64 * 1024;

/// Delivers the alert TLS left in the tap.
pub(super) async fn after_failed_handshake<T: Transport>(
    tap: &Tap<T>,
    control: &mut Control<'_>,
    cause: &HandshakeCause,
) {
    // Nothing was said to a peer that was only waited for, and nobody hears us who is gone.
    let said = !matches!(
        cause,
        HandshakeCause::Probe
            | HandshakeCause::TimeoutSilent
            | HandshakeCause::TimeoutStalled
            | HandshakeCause::Cancelled(_)
            | HandshakeCause::Io(_)
    );
    if said {
        part(tap, control, false).await;
    }
}

/// Sends what is queued and close_notify, and closes. Gives the reason as it turned out.
pub(super) async fn after_session<T: Transport>(
    tap: &Tap<T>,
    pump: &mut Pump<T>,
    control: &mut Control<'_>,
    deadlines: &Deadlines,
    mut stop: Stop,
) -> Stop {
    let patience = match stop.cause {
        CloseCause::PeerClosed => deadlines.half_closed,
        _ => stop.grace.max(LINGER),
    };
    let speaks = !matches!(
        stop.cause,
        CloseCause::Reset
            | CloseCause::WriteStalled
            // TLS has said its own last word, a fatal alert.
            | CloseCause::Misbehaved
            | CloseCause::RejectedByPeer
    );
    if speaks {
        let line = control.line().clone();
        let deadline = control.now() + patience;
        let spoken = control
            .until_forced(deadline, |cx| pump.poll_last_words(cx, &line))
            .await;
        if spoken.is_err() {
            stop.cause = match stop.cause {
                CloseCause::PeerClosed => CloseCause::HalfClosedTimeout,
                cause => cause.past_grace(),
            };
        }
    }
    if stop.cause != CloseCause::Reset {
        part(tap, control, stop.cause == CloseCause::PeerClosed).await;
    }
    stop
}

/// Flushes the tap, ends our half, and waits a little for the peer's. A peer that has said it sends
/// nothing more (close_notify, RFC 8446 §6.1) needs no waiting for: closing ends our half as well.
async fn part<T: Transport>(tap: &Tap<T>, control: &mut Control<'_>, is_silent: bool) {
    let deadline = control.now() + LINGER;
    let flushed = control
        .until_forced(deadline, |cx| tap.poll_flush(cx))
        .await;
    if !matches!(flushed, Ok(Ok(()))) {
        return;
    }
    if !is_silent && tap.shutdown_write().is_err() {
        return;
    }
    let mut rubbish = 0;
    let _ = control
        .until_forced(deadline, |cx| {
            while rubbish < RUBBISH {
                match tap.poll_discard(cx) {
                    Poll::Ready(Ok(count)) if count > 0 => rubbish += count,
                    Poll::Pending if !is_silent => return Poll::Pending,
                    _ => break,
                }
            }
            Poll::Ready(())
        })
        .await;
}
