//! What a service manager hands over and is told: systemd's protocols, and nothing where there is
//! none.

use listenfd::ListenFd;
use std::net::TcpListener;

/// The sockets that it listens on for us already (sd_listen_fds(3)), in its order.
///
/// # Errors
/// When one of them is no listening TCP socket.
pub fn listeners() -> Result<Vec<TcpListener>, String> {
    let mut handed = ListenFd::from_env();
    (0..handed.len())
        .filter_map(|place| handed.take_tcp_listener(place).transpose())
        .map(|listener| {
            listener
                .map_err(|error| format!("a socket of the service manager's is no use: {error}"))
        })
        .collect()
}

/// Phones are served (sd_notify(3)).
pub fn ready() {
    tell(Word::Ready);
}

/// Settings are being read again; [`ready`] ends that.
pub fn reloading() {
    tell(Word::Reloading);
}

/// Going down.
pub fn stopping() {
    tell(Word::Stopping);
}

enum Word {
    Ready,
    Reloading,
    Stopping,
}

#[cfg(unix)]
fn tell(word: Word) {
    use sd_notify::NotifyState;
    let told = match word {
        Word::Ready => sd_notify::notify(&[NotifyState::Ready]),
        Word::Stopping => sd_notify::notify(&[NotifyState::Stopping]),
        Word::Reloading => NotifyState::monotonic_usec_now()
            .and_then(|now| sd_notify::notify(&[NotifyState::Reloading, now])),
    };
    if let Err(error) = told {
        log::warn!(target: "softswitch", "the service manager cannot be told: {error}");
    }
}

#[cfg(not(unix))]
fn tell(word: Word) {
    let _ = word;
}
