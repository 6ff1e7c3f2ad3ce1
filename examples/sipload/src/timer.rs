//! A timer that wakes a poll loop with a precision of microseconds. The poll's own timeout is
//! rounded up to whole milliseconds, and the difference would be measured as latency of the server.

use mio::{Registry, Token};
use std::io;
use std::time::Duration;

/// A timer whose expiry is a readiness event.
pub struct Timer {
    #[cfg(target_os = "linux")]
    timer: std::os::fd::OwnedFd,
}

#[cfg(target_os = "linux")]
impl Timer {
    /// A timer whose events have this token.
    ///
    /// # Errors
    /// When the process has no descriptor left.
    pub fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        use std::os::fd::AsRawFd;
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let mut source = mio::unix::SourceFd(&timer.as_raw_fd());
        registry.register(&mut source, token, mio::Interest::READABLE)?;
        Ok(Self { timer })
    }

    /// Lets the timer expire after this time, and returns the timeout to poll with.
    ///
    /// # Errors
    /// None that the kernel documents for these arguments.
    pub fn set(&self, after: Duration) -> io::Result<Duration> {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};
        let once = Itimerspec {
            it_interval: Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
            it_value: Timespec {
                tv_sec: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
                // A value of zero would disarm the timer.
                tv_nsec: i64::from(after.subsec_nanos().max(1)),
            },
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
        Ok(after + Duration::from_millis(1))
    }
}

#[cfg(not(target_os = "linux"))]
impl Timer {
    /// There is no such timer on this system; the poll's timeout is used, to the millisecond.
    ///
    /// # Errors
    /// None.
    pub fn new(_: &Registry, _: Token) -> io::Result<Self> {
        Ok(Self {})
    }

    /// The timeout to poll with.
    ///
    /// # Errors
    /// None.
    pub fn set(&self, after: Duration) -> io::Result<Duration> {
        Ok(after)
    }
}
