//! Finds the close cause for an error of an established stream.

use super::diagnosis::tls_error;
use super::observation::{last_alert, named_alert};
use super::tap::Wire;
use crate::cause::CloseCause;
use crate::connection::{Alert, AlertDirection};
use crate::transport::Transport;
use rustls::Error;
use std::io;

/// The cause, and the alert that explains it.
pub(super) fn close_cause<T: Transport>(
    error: &io::Error,
    wire: &Wire<T>,
) -> (CloseCause, Option<Alert>) {
    let in_clear = last_alert(&wire.read, &wire.written);
    match tls_error(error) {
        Some(Error::AlertReceived(alert)) => {
            let alert = named_alert(AlertDirection::Received, alert.get_u8());
            (CloseCause::RejectedByPeer, Some(alert))
        }
        Some(_) => match in_clear.filter(|alert| alert.direction == AlertDirection::Received) {
            Some(alert) => (CloseCause::RejectedByPeer, Some(alert)),
            None => (CloseCause::Misbehaved, None),
        },
        None if error.kind() == io::ErrorKind::UnexpectedEof => (CloseCause::Truncated, in_clear),
        None => (CloseCause::Reset, in_clear),
    }
}
