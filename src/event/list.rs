//! Every event, with its name, the level its log line has, and whether a queue that is full may shed it.

use super::{Closed, HandshakeFailed, LimitsSet, Ready, Refused};
use crate::connection::{Connection, ConnectionId, Counts};
use log::Level;
use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Defines `Event`, `EventKind` and what is known of each kind from one list.
macro_rules! events {
    (
        $(#[$event_attribute:meta])*
        pub enum Event {
            $(
                $(#[$attribute:meta])*
                $variant:ident $payload:tt = $name:literal, $level:expr, $shed:ident;
            )+
        }
    ) => {
        $(#[$event_attribute])*
        pub enum Event {
            $($(#[$attribute])* $variant $payload,)+
        }

        /// The kind of an event: what filters and counters go by.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum EventKind {
            $(
                #[doc = concat!("See [`Event::", stringify!($variant), "`].")]
                $variant,
            )+
        }

        named! {
            /// The name on the wire, in snake_case.
            EventKind {
                $($variant = $name,)+
            }
        }

        impl EventKind {
            /// Whether an event of this kind may be shed when an observer is behind. Endings and beginnings
            /// of sessions never are.
            pub const fn may_be_shed(self) -> bool {
                match self {
                    $(Self::$variant => events!(@ $shed),)+
                }
            }

            /// The level of its log line, unless a cause in the event has a level of its own.
            pub(crate) const fn level(self) -> Level {
                match self {
                    $(Self::$variant => $level,)+
                }
            }
        }

        impl Event {
            /// Its kind.
            pub const fn kind(&self) -> EventKind {
                match self {
                    $(Self::$variant { .. } => EventKind::$variant,)+
                }
            }
        }
    };
    (@ may_be_shed) => { true };
    (@ is_kept) => { false };
}

events! {
    /// Something that happened to a listener, a connection or the supervisor.
    #[derive(Clone, Debug)]
    #[non_exhaustive]
    pub enum Event {
        /// The limits and deadlines in force from now on: the first event of all, and one after each change.
        LimitsSet(Arc<LimitsSet>) = "limits_set", Level::Info, is_kept;
        /// A listener is open.
        Listening {
            /// The address it is bound to; a port 0 has become the real one.
            listener: SocketAddr,
        } = "listening", Level::Info, is_kept;
        /// A listener has closed; no connection comes by it any more.
        ListenerClosed {
            /// The address it was bound to.
            listener: SocketAddr,
            /// The error that ended it; `None` when it was told to stop.
            error: Option<String>,
        } = "listener_closed", Level::Info, is_kept;
        /// Accepting failed and is paused for a moment; what is open goes on.
        AcceptFailed {
            /// The address of the listener.
            listener: SocketAddr,
            /// The operating system's error text.
            error: String,
            /// How long the listener pauses.
            pause: Duration,
        } = "accept_failed", Level::Warn, is_kept;
        /// A listener that could not accept has accepted again.
        AcceptResumed {
            /// The address of the listener.
            listener: SocketAddr,
            /// How long it could not.
            duration: Duration,
        } = "accept_resumed", Level::Info, is_kept;
        /// A TCP connection was accepted.
        Accepted(Arc<Connection>) = "accepted", Level::Debug, may_be_shed;
        /// An outbound connection was begun.
        Dialled(Arc<Connection>) = "dialled", Level::Debug, is_kept;
        /// A connection was turned away before its handshake.
        Refused(Refused) = "refused", Level::Info, may_be_shed;
        /// A handshake failed; the connection is gone.
        HandshakeFailed(Arc<HandshakeFailed>) = "handshake_failed", Level::Info, is_kept;
        /// A session is established and may carry SIP.
        Ready(Arc<Ready>) = "ready", Level::Info, is_kept;
        /// An established session has ended; the connection is gone.
        Closed(Arc<Closed>) = "closed", Level::Info, is_kept;
        /// Events about a connection that the ledger does not expect, or equations that do not hold:
        /// a defect of ours, reported rather than hidden.
        Discrepancy {
            /// The connection, if it is about one.
            connection: Option<ConnectionId>,
            /// What does not fit.
            what: String,
        } = "discrepancy", Level::Error, is_kept;
        /// An observer panicked and gets no more events.
        ObserverFailed {
            /// Which one, in order of registration from 0.
            observer: usize,
            /// The panic's message.
            message: String,
        } = "observer_failed", Level::Error, is_kept;
        /// A source is refused from now on: it misbehaved too often, or an operator banned it.
        Banned {
            /// The address, cut to the length that makes a source.
            source: IpAddr,
            /// For how long; `None` until it is lifted.
            duration: Option<Duration>,
            /// The cause of the last strike; `operator` when an operator banned it.
            cause: Cow<'static, str>,
        } = "banned", Level::Warn, is_kept;
        /// The supervisor begins to shut down.
        Draining {
            /// How many connections are open at this moment.
            open: usize,
            /// How long they have.
            deadline: Duration,
        } = "draining", Level::Info, is_kept;
        /// A drain goes on; about once a second.
        DrainProgress {
            /// Connections open still.
            open: usize,
            /// Those of them that say they are busy.
            busy: usize,
            /// How much time they have left.
            left: Duration,
        } = "drain_progress", Level::Info, is_kept;
        /// The last event: the supervisor has ended.
        Stopped {
            /// Inbound connections, all accounted for.
            inbound: Counts,
            /// Outbound connections, all accounted for.
            outbound: Counts,
            /// The panic that ended the supervisor, if one did.
            panic: Option<String>,
        } = "stopped", Level::Info, is_kept;
    }
}
