//! systemd's protocols: sockets passed by the service manager, and notifications to it. Without
//! systemd, nothing is passed and notifications do nothing.

use listenfd::ListenFd;
use std::net::TcpListener;

/// The listening sockets that the service manager has passed (sd_listen_fds(3)), in its order.
///
/// # Errors If one of them is not a listening TCP socket.
pub fn listeners() -> Result<Vec<TcpListener>, String> {
    let mut inherited = ListenFd::from_env();
    (0..inherited.len())
        .filter_map(|place| inherited.take_tcp_listener(place).transpose())
        .map(|listener| {
            listener
                .map_err(|error| format!("a socket of the service manager's is no use: {error}"))
        })
        .collect()
}

/// Tells the service manager that phones are served (sd_notify(3)).
pub fn ready() {
    notify(Notification::Ready);
}

/// Tells the service manager that a reload has begun; [`ready`] tells that it is done.
pub fn reloading() {
    notify(Notification::Reloading);
}

/// Tells the service manager that the switch is stopping.
pub fn stopping() {
    notify(Notification::Stopping);
}

enum Notification {
    Ready,
    Reloading,
    Stopping,
}

#[cfg(unix)]
fn notify(notification: Notification) {
    use sd_notify::NotifyState;
    let result = match notification {
        Notification::Ready => sd_notify::notify(&[NotifyState::Ready]),
        Notification::Stopping => sd_notify::notify(&[NotifyState::Stopping]),
        Notification::Reloading => NotifyState::monotonic_usec_now()
            .and_then(|now| sd_notify::notify(&[NotifyState::Reloading, now])),
    };
    if let Err(error) = result {
        log::warn!(target: "softswitch", "the service manager cannot be told: {error}");
    }
}

#[cfg(not(unix))]
fn notify(notification: Notification) {
    let _ = notification;
}
