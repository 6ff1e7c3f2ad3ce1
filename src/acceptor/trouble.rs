//! Sans-io: what an error of `accept` means, and how long the listener rests because of it.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

/// The first rest after an error that a retry may cure; each next one is twice as long.
const FIRST_REST: Duration = Duration::from_millis(10);
const LONGEST_REST: Duration = Duration::from_secs(1);

/// How often it is looked whether descriptors are free again.
const DESCRIPTOR_REST: Duration = Duration::from_millis(100);

/// So many must be free before accepting goes on: else it would stop again at once.
const DESCRIPTORS_FREE: usize = 8;

/// What an error of `accept` is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The connection was gone before it was accepted; the listener is well.
    OneConnection,
    /// No descriptor is left, for us or for the whole machine.
    OutOfDescriptors,
    /// A retry may cure it: memory, buffers, a firewall's whim.
    Transient,
    /// The listener itself is broken and will never accept again.
    Fatal,
}

impl Kind {
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

/// A listener's troubles, from the first error to the next connection.
#[derive(Debug)]
pub(super) struct Trouble {
    /// Given up when descriptors run out, so that the rest of the process has one: to write a log
    /// file, to resolve a name.
    reserve: Option<File>,
    since: Option<Instant>,
    rest: Duration,
    starved: bool,
}

impl Trouble {
    pub(super) fn new() -> Self {
        Self {
            reserve: spare_descriptor(),
            since: None,
            rest: FIRST_REST,
            starved: false,
        }
    }

    /// An error that calls for a rest, and how long; true when it is the first.
    pub(super) fn strikes(&mut self, kind: Kind, now: Instant) -> (Duration, bool) {
        let first = self.since.is_none();
        self.since.get_or_insert(now);
        if kind == Kind::OutOfDescriptors {
            self.starved = true;
            self.reserve = None;
            return (DESCRIPTOR_REST, first);
        }
        let rest = self.rest;
        self.rest = (rest * 2).min(LONGEST_REST);
        (rest, first)
    }

    /// The rest is over: may it be tried again? Otherwise, how long to rest again.
    pub(super) fn may_try(&mut self) -> Result<(), Duration> {
        if !self.starved {
            return Ok(());
        }
        let free: Vec<File> = (0..DESCRIPTORS_FREE)
            .map_while(|_| spare_descriptor())
            .collect();
        if free.len() < DESCRIPTORS_FREE {
            return Err(DESCRIPTOR_REST);
        }
        drop(free);
        self.starved = false;
        self.reserve = spare_descriptor();
        Ok(())
    }

    /// A connection was accepted: how long the trouble lasted, if there was one.
    pub(super) fn over(&mut self, now: Instant) -> Option<Duration> {
        self.rest = FIRST_REST;
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
        let kind = |errno: i32| Kind::of(&io::Error::from_raw_os_error(errno));
        assert_eq!(kind(24), Kind::OutOfDescriptors); // EMFILE
        assert_eq!(kind(23), Kind::OutOfDescriptors); // ENFILE
        assert_eq!(kind(103), Kind::OneConnection); // ECONNABORTED
        assert_eq!(kind(12), Kind::Transient); // ENOMEM
        assert_eq!(kind(105), Kind::Transient); // ENOBUFS
        assert_eq!(kind(9), Kind::Fatal); // EBADF
        assert_eq!(kind(22), Kind::Fatal); // EINVAL
    }

    #[test]
    fn rests_grow_to_a_second_and_begin_anew_after_a_connection() {
        let mut trouble = Trouble::new();
        let now = Instant::now();
        assert_eq!(trouble.strikes(Kind::Transient, now), (FIRST_REST, true));
        for _ in 0..10 {
            trouble.strikes(Kind::Transient, now);
        }
        assert_eq!(trouble.strikes(Kind::Transient, now), (LONGEST_REST, false));
        let later = now + Duration::from_secs(3);
        assert_eq!(trouble.over(later), Some(Duration::from_secs(3)));
        assert_eq!(trouble.over(later), None);
        assert_eq!(trouble.strikes(Kind::Transient, later), (FIRST_REST, true));
    }

    #[test]
    fn running_out_of_descriptors_gives_the_reserve_up_until_there_are_some_again() {
        let mut trouble = Trouble::new();
        assert!(trouble.reserve.is_some());
        let now = Instant::now();
        assert_eq!(
            trouble.strikes(Kind::OutOfDescriptors, now),
            (DESCRIPTOR_REST, true)
        );
        assert!(trouble.reserve.is_none());
        assert_eq!(trouble.may_try(), Ok(()));
        assert!(trouble.reserve.is_some());
    }
}
