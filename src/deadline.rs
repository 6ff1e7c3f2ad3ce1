//! Sans-io: the deadlines of a connection, and which of them passes next.

use crate::cause::CloseCause;
use crate::clock::MAX_DURATION;
use std::time::{Duration, Instant};

/// How long a connection may stay in each state. When a deadline passes, the connection ends with the
/// cause named beside it. A deadline of more than 100 years counts as 100 years.
///
/// ```
/// use sipward::Deadlines;
/// use std::time::Duration;
///
/// let deadlines = Deadlines::default()
///     .with_handshake(Duration::from_secs(5))
///     .with_authentication(Duration::from_secs(30));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Deadlines {
    /// From the accept to the end of the TLS handshake. Default 10 s. At the limit:
    /// `HandshakeFailed` with `timeout_silent` or `timeout_stalled`.
    pub handshake: Duration,
    /// From `Ready` to the end of the first SIP message. Default 60 s. At the limit:
    /// `Closed(first_message_timeout)`.
    pub first_message: Duration,
    /// From `Ready` to the moment the application says that the peer has authenticated itself
    /// ([`Flow::mark_authenticated`](crate::Flow::mark_authenticated)). Default: none, because not every
    /// application authenticates its peers. At the limit: `Closed(authentication_timeout)`.
    pub authentication: Option<Duration>,
    /// From the first byte of a message to its last. Default 30 s. At the limit:
    /// `Closed(partial_message_timeout)`.
    pub partial_message: Duration,
    /// The slowest rate at which a message may arrive, in bytes a second: the average since the message
    /// began, not counting its first 5 s. Default 100. Below: `Closed(partial_message_timeout)`. 0 counts
    /// as 1.
    pub message_rate: u32,
    /// How long the peer may send nothing, while nothing keeps the flow open
    /// ([`Flow::keep_open`](crate::Flow::keep_open)). Default 300 s. At the limit:
    /// `Closed(idle_timeout)`.
    pub idle: Duration,
    /// How long the peer may accept no byte while we have bytes for it. Default 30 s. At the limit:
    /// `Closed(write_stalled)`.
    pub stalled_write: Duration,
    /// From the peer's end of stream to ours, while answers are still being sent. Default 5 s. At the
    /// limit: `Closed(half_closed_timeout)`.
    pub half_closed: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            first_message: Duration::from_secs(60),
            authentication: None,
            partial_message: Duration::from_secs(30),
            message_rate: 100,
            idle: Duration::from_secs(300),
            stalled_write: Duration::from_secs(30),
            half_closed: Duration::from_secs(5),
        }
    }
}

impl Deadlines {
    /// Sets [`handshake`](Self::handshake).
    pub const fn with_handshake(mut self, handshake: Duration) -> Self {
        self.handshake = handshake;
        self
    }

    /// Sets [`first_message`](Self::first_message).
    pub const fn with_first_message(mut self, first_message: Duration) -> Self {
        self.first_message = first_message;
        self
    }

    /// Sets [`authentication`](Self::authentication); `None` lifts the deadline.
    pub fn with_authentication(mut self, authentication: impl Into<Option<Duration>>) -> Self {
        self.authentication = authentication.into();
        self
    }

    /// Sets [`partial_message`](Self::partial_message).
    pub const fn with_partial_message(mut self, partial_message: Duration) -> Self {
        self.partial_message = partial_message;
        self
    }

    /// Sets [`message_rate`](Self::message_rate), in bytes a second.
    pub const fn with_message_rate(mut self, message_rate: u32) -> Self {
        self.message_rate = message_rate;
        self
    }

    /// Sets [`idle`](Self::idle).
    pub const fn with_idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Sets [`stalled_write`](Self::stalled_write).
    pub const fn with_stalled_write(mut self, stalled_write: Duration) -> Self {
        self.stalled_write = stalled_write;
        self
    }

    /// Sets [`half_closed`](Self::half_closed).
    pub const fn with_half_closed(mut self, half_closed: Duration) -> Self {
        self.half_closed = half_closed;
        self
    }

    /// Each at most `MAX_DURATION`, because adding `Duration::MAX` to an `Instant` panics.
    pub(crate) fn capped(self) -> Self {
        Self {
            handshake: self.handshake.min(MAX_DURATION),
            first_message: self.first_message.min(MAX_DURATION),
            authentication: self.authentication.map(|limit| limit.min(MAX_DURATION)),
            partial_message: self.partial_message.min(MAX_DURATION),
            message_rate: self.message_rate,
            idle: self.idle.min(MAX_DURATION),
            stalled_write: self.stalled_write.min(MAX_DURATION),
            half_closed: self.half_closed.min(MAX_DURATION),
        }
    }
}

/// How much of what the peer has sent the session has read. The idle deadline applies only when all is
/// read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// A handler runs, and nothing is read meanwhile: what the peer has sent may wait in the socket.
    Paused,
    /// Messages that were read may wait in the framer.
    Waiting,
    /// Neither the framer nor the socket has more.
    Exhausted,
}

/// The deadlines of one established session.
#[derive(Debug)]
pub(crate) struct Watch {
    limits: Deadlines,
    ready: Instant,
    received: Instant,
    spoken: bool,
    /// When the incomplete message began to arrive, and how many bytes of it have.
    partial: Option<(Instant, usize)>,
    stalled: Option<(Instant, u64)>,
}

impl Watch {
    pub(crate) const fn new(limits: Deadlines, ready: Instant) -> Self {
        Self {
            limits,
            ready,
            received: ready,
            spoken: false,
            partial: None,
            stalled: None,
        }
    }

    /// Notes that bytes came from the peer.
    pub(crate) const fn received(&mut self, now: Instant) {
        self.received = now;
    }

    /// Notes that a whole message came.
    pub(crate) const fn message(&mut self) {
        self.spoken = true;
        self.partial = None;
    }

    /// Notes how many bytes of an incomplete message have arrived; 0 between messages.
    pub(crate) fn partial(&mut self, bytes: usize, now: Instant) {
        self.partial = match self.partial {
            _ if bytes == 0 => None,
            Some((since, _)) => Some((since, bytes)),
            None => Some((now, bytes)),
        };
    }

    /// Notes that bytes wait for the peer, which has accepted `taken` bytes since the connection began.
    pub(crate) fn waiting_to_write(&mut self, taken: u64, now: Instant) {
        if self.stalled.is_none_or(|(_, before)| before != taken) {
            self.stalled = Some((now, taken));
        }
    }

    /// Notes that all bytes have been sent.
    pub(crate) const fn written(&mut self) {
        self.stalled = None;
    }

    /// The earliest deadline, and the cause the session closes with when it passes.
    pub(crate) fn next(
        &self,
        input: Input,
        held_open: bool,
        authenticated: bool,
    ) -> Option<(Instant, CloseCause)> {
        let stalled = self
            .stalled
            .map(|(since, _)| (since + self.limits.stalled_write, CloseCause::WriteStalled));
        if input == Input::Paused {
            return stalled;
        }
        let first = (!self.spoken).then(|| {
            (
                self.ready + self.limits.first_message,
                CloseCause::FirstMessageTimeout,
            )
        });
        let partial = self.partial.map(|(since, bytes)| {
            let whole = since + self.limits.partial_message;
            (
                whole.min(self.too_slow(since, bytes)),
                CloseCause::PartialMessageTimeout,
            )
        });
        let authentication = self.limits.authentication.filter(|_| !authenticated);
        let authentication =
            authentication.map(|limit| (self.ready + limit, CloseCause::AuthenticationTimeout));
        let idle = (input == Input::Exhausted && !held_open)
            .then(|| (self.received + self.limits.idle, CloseCause::IdleTimeout));
        [stalled, partial, first, authentication, idle]
            .into_iter()
            .flatten()
            .min_by_key(|(at, _)| *at)
    }

    /// When a message of which `bytes` have arrived falls below the rate.
    fn too_slow(&self, since: Instant, bytes: usize) -> Instant {
        let rate = u64::from(self.limits.message_rate.max(1));
        since + SLOW_START + Duration::from_millis(bytes as u64 * 1000 / rate)
    }
}

/// How long a message may be slow before its rate counts.
const SLOW_START: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_session_that_never_speaks_has_the_first_message_deadline() {
        let now = Instant::now();
        let watch = Watch::new(Deadlines::default(), now);
        assert_eq!(
            watch.next(Input::Exhausted, true, true),
            Some((now + seconds(60), CloseCause::FirstMessageTimeout))
        );
    }

    #[test]
    fn idleness_counts_from_the_last_byte_and_not_while_held_open() {
        let now = Instant::now();
        let mut watch = Watch::new(Deadlines::default(), now);
        watch.message();
        watch.received(now + seconds(100));
        assert_eq!(
            watch.next(Input::Exhausted, false, true),
            Some((now + seconds(400), CloseCause::IdleTimeout))
        );
        assert_eq!(watch.next(Input::Exhausted, true, true), None);
    }

    #[test]
    fn dripping_bytes_do_not_move_the_deadline_of_a_message() {
        let now = Instant::now();
        let mut watch = Watch::new(Deadlines::default(), now);
        watch.message();
        watch.partial(5000, now);
        watch.received(now + seconds(29));
        watch.partial(6000, now + seconds(29));
        assert_eq!(
            watch.next(Input::Exhausted, true, true),
            Some((now + seconds(30), CloseCause::PartialMessageTimeout))
        );
    }

    #[test]
    fn a_message_slower_than_the_rate_ends_before_the_deadline_of_a_message() {
        let now = Instant::now();
        let mut watch = Watch::new(Deadlines::default(), now);
        watch.message();
        watch.partial(1, now);
        watch.partial(300, now + seconds(4));
        assert_eq!(
            watch.next(Input::Exhausted, true, true),
            Some((now + seconds(5 + 3), CloseCause::PartialMessageTimeout))
        );
        watch.partial(0, now + seconds(5));
        assert_eq!(watch.next(Input::Exhausted, true, true), None);
    }

    #[test]
    fn who_has_not_proved_who_it_is_has_a_deadline_even_while_it_talks() {
        let now = Instant::now();
        let limits = Deadlines {
            authentication: Some(seconds(60)),
            ..Deadlines::default()
        };
        let mut watch = Watch::new(limits, now);
        watch.message();
        watch.received(now + seconds(59));
        assert_eq!(
            watch.next(Input::Exhausted, true, false),
            Some((now + seconds(60), CloseCause::AuthenticationTimeout))
        );
        assert_eq!(watch.next(Input::Exhausted, true, true), None);
    }

    #[test]
    fn a_stalled_write_counts_from_the_last_byte_taken() {
        let now = Instant::now();
        let mut watch = Watch::new(Deadlines::default(), now);
        watch.waiting_to_write(10, now);
        watch.waiting_to_write(10, now + seconds(20));
        assert_eq!(
            watch.next(Input::Paused, true, true),
            Some((now + seconds(30), CloseCause::WriteStalled))
        );
        watch.waiting_to_write(11, now + seconds(20));
        assert_eq!(
            watch.next(Input::Paused, true, true),
            Some((now + seconds(50), CloseCause::WriteStalled))
        );
        watch.written();
        assert_eq!(watch.next(Input::Paused, true, true), None);
    }

    #[test]
    fn the_peer_is_not_blamed_for_silence_while_a_handler_runs() {
        let watch = Watch::new(Deadlines::default(), Instant::now());
        assert_eq!(watch.next(Input::Paused, false, true), None);
    }

    #[test]
    fn a_peer_is_not_idle_while_messages_of_it_wait_to_be_handled() {
        let now = Instant::now();
        let limits = Deadlines {
            authentication: Some(seconds(60)),
            ..Deadlines::default()
        };
        let mut watch = Watch::new(limits, now);
        watch.message();
        assert_eq!(watch.next(Input::Waiting, false, true), None);
        assert_eq!(
            watch.next(Input::Waiting, false, false),
            Some((now + seconds(60), CloseCause::AuthenticationTimeout))
        );
    }
}
