//! Sans-io: what an error of `accept` means, and how long the listener pauses because of it.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

/// The first pause after an error that a retry may cure; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long to wait between two checks whether descriptors are free again.
const DESCRIPTOR_PAUSE: Duration = Duration::from_millis(100);

/// How many descriptors must be free before accepting goes on, so that it does not stop again at once.
const DESCRIPTORS_FREE: usize = 8;

/// The kinds of errors of `accept`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AcceptErrorKind {
    /// The connection ended before it was accepted. The listener is not affected.
    OneConnection,
    /// No descriptor is left, for us or for the whole machine.
    OutOfDescriptors,
    /// A retry may succeed: memory or buffers were short, or a firewall rule refused.
    Transient,
    /// The listener itself is broken and will never accept again.
    Fatal,
}

impl AcceptErrorKind {
    pub(super) fn of(error: &io::Error) -> Self {
        #[cfg(unix)]
        {
            use rustix::io::Errno;
            match Errno::from_io_error(error) {
                Some(Errno::MFILE | Errno::NFILE) => return Self::OutOfDescriptors,
                Some(Errno::BADF | Errno::INVAL | Errno::NOTSOCK | Errno::OPNOTSUPP) => {
                    return Self::Fatal;
                }
                _ => {}
            }
        }
        match error.kind() {
            io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
            | io::ErrorKind::NotConnected => Self::OneConnection,
            _ => Self::Transient,
        }
    }
}

/// The pauses of a listener, from the first error to the next connection.
#[derive(Debug)]
pub(super) struct AcceptBackoff {
    /// A spare descriptor. It is closed when descriptors run out, so that the rest of the process has
    /// one, for example to write a log file or to resolve a name.
    reserve: Option<File>,
    since: Option<Instant>,
    pause: Duration,
    starved: bool,
}

impl AcceptBackoff {
    pub(super) fn new() -> Self {
        Self {
            reserve: spare_descriptor(),
            since: None,
            pause: FIRST_PAUSE,
            starved: false,
        }
    }

    /// Notes an error. Returns how long to pause, and whether it is the first error in a row.
    pub(super) fn failed(&mut self, kind: AcceptErrorKind, now: Instant) -> (Duration, bool) {
        let first = self.since.is_none();
        self.since.get_or_insert(now);
        if kind == AcceptErrorKind::OutOfDescriptors {
            self.starved = true;
            self.reserve = None;
            return (DESCRIPTOR_PAUSE, first);
        }
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        (pause, first)
    }

    /// Whether to accept again after a pause; the error is how long to pause once more.
    pub(super) fn may_try(&mut self) -> Result<(), Duration> {
        if !self.starved {
            return Ok(());
        }
        let free: Vec<File> = (0..DESCRIPTORS_FREE)
            .map_while(|_| spare_descriptor())
            .collect();
        if free.len() < DESCRIPTORS_FREE {
            return Err(DESCRIPTOR_PAUSE);
        }
        drop(free);
        self.starved = false;
        self.reserve = spare_descriptor();
        Ok(())
    }

    /// Notes that a connection was accepted. Returns for how long accepting had failed, if it had.
    pub(super) fn recovered(&mut self, now: Instant) -> Option<Duration> {
        self.pause = FIRST_PAUSE;
        let since = self.since.take()?;
        Some(now - since)
    }
}

fn spare_descriptor() -> Option<File> {
    File::open("/dev/null").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart_by_what_they_are_about() {
        let kind = |errno: i32| AcceptErrorKind::of(&io::Error::from_raw_os_error(errno));
        assert_eq!(kind(24), AcceptErrorKind::OutOfDescriptors); // EMFILE
        assert_eq!(kind(23), AcceptErrorKind::OutOfDescriptors); // ENFILE
        assert_eq!(kind(103), AcceptErrorKind::OneConnection); // ECONNABORTED
        assert_eq!(kind(12), AcceptErrorKind::Transient); // ENOMEM
        assert_eq!(kind(105), AcceptErrorKind::Transient); // ENOBUFS
        assert_eq!(kind(9), AcceptErrorKind::Fatal); // EBADF
        assert_eq!(kind(22), AcceptErrorKind::Fatal); // EINVAL
    }

    #[test]
    fn pauses_grow_to_a_second_and_begin_anew_after_a_connection() {
        let mut backoff = AcceptBackoff::new();
        let now = Instant::now();
        assert_eq!(
            backoff.failed(AcceptErrorKind::Transient, now),
            (FIRST_PAUSE, true)
        );
        for _ in 0..10 {
            backoff.failed(AcceptErrorKind::Transient, now);
        }
        assert_eq!(
            backoff.failed(AcceptErrorKind::Transient, now),
            (LONGEST_PAUSE, false)
        );
        let later = now + Duration::from_secs(3);
        assert_eq!(backoff.recovered(later), Some(Duration::from_secs(3)));
        assert_eq!(backoff.recovered(later), None);
        assert_eq!(
            backoff.failed(AcceptErrorKind::Transient, later),
            (FIRST_PAUSE, true)
        );
    }

    #[test]
    fn running_out_of_descriptors_gives_the_reserve_up_until_there_are_some_again() {
        let mut backoff = AcceptBackoff::new();
        assert!(backoff.reserve.is_some());
        let now = Instant::now();
        assert_eq!(
            backoff.failed(AcceptErrorKind::OutOfDescriptors, now),
            (DESCRIPTOR_PAUSE, true)
        );
        assert!(backoff.reserve.is_none());
        assert_eq!(backoff.may_try(), Ok(()));
        assert!(backoff.reserve.is_some());
    }
}
