//! Why a handshake failed: what a cause carries, and what is told of it. `handshake_table.rs` lists the causes.

use super::{Fault, HandshakeCause, Phase};
use log::Level;
use std::fmt;

/// What came instead of TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Plaintext {
    /// A SIP message in clear, with its method (`SIP/2.0` for a response): the peer's transport is
    /// set to TCP, or its TLS is switched off.
    Sip {
        /// The request method, at most 16 bytes.
        method: String,
    },
    /// The keep-alive of a SIP connection in clear, `CRLF CRLF` (RFC 5626 §3.5.1): as `Sip`.
    SipKeepAlive,
    /// An HTTP request: a browser, a scanner, a health check of the wrong kind.
    Http,
    /// Anything else that is not a TLS record.
    Other,
}

/// Who called a handshake off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cancelled {
    /// The supervisor is shutting down.
    Drain,
    /// An operator or the application closed it by a control message.
    Operator,
    /// The supervisor died.
    SupervisorGone,
    /// All handshakes were taken and its source had most: the oldest silent one made way for another
    /// source.
    Evicted,
}

/// What the peer is sent when a handshake fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AlertSent {
    /// Nothing: it was only waited for, or is gone and would not receive it.
    Nothing,
    /// The alert that the TLS library chooses.
    ByLibrary,
    /// An alert with this description, in clear as long as nothing else was sent: the library would send
    /// another one, or none.
    InClear(u8),
}

/// What is known of one cause.
pub(super) struct HandshakeRow {
    /// The phases it can be met in, earliest first.
    pub(super) phases: &'static [Phase],
    pub(super) fault: Fault,
    pub(super) level: Level,
    /// What the peer is sent for it.
    pub(super) alert: AlertSent,
    pub(super) hint: &'static str,
    pub(super) explanation: &'static str,
}

impl HandshakeCause {
    /// The phases it can be met in, earliest first. Inbound, "any" is hello, negotiation and client_auth.
    pub const fn phases(&self) -> &'static [Phase] {
        self.row().phases
    }

    /// What narrows the name down: `sip` or `http` for plaintext, `port` or `uri` for a server
    /// name, `drain` or `operator` for a cancellation, the error kind of the network, the text of a defect.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Plaintext(Plaintext::Sip { method }) => Some(format!("sip {method}")),
            Self::Plaintext(Plaintext::SipKeepAlive) => Some("sip keep-alive".into()),
            Self::Plaintext(Plaintext::Http) => Some("http".into()),
            Self::Plaintext(Plaintext::Other) => Some("other".into()),
            Self::InvalidServerName(defect) => Some(defect.name().into()),
            Self::Cancelled(by) => Some(by.name().into()),
            Self::Io(kind) => Some(kind.to_string()),
            Self::Internal(what) => Some(what.clone()),
            _ => None,
        }
    }

    /// Whose fault it most likely was.
    pub const fn fault(&self) -> Fault {
        self.row().fault
    }

    /// The level its log line has unless an operator says otherwise.
    pub const fn level(&self) -> Level {
        self.row().level
    }

    /// A few words for the log line: the likeliest reason in a SIP deployment. At most 64 characters.
    pub const fn hint(&self) -> &'static str {
        self.row().hint
    }

    /// Two or three sentences: what happened, most likely why in a SIP deployment, what to do.
    /// `docs/handshake-failures.md` has the long form.
    pub const fn explain(&self) -> &'static str {
        self.row().explanation
    }

    /// What the peer is sent for it.
    pub(crate) const fn alert(&self) -> AlertSent {
        self.row().alert
    }

    /// Whether the peer is sent an alert for it.
    pub(crate) const fn peer_is_told(&self) -> bool {
        !matches!(self.alert(), AlertSent::Nothing)
    }
}

impl Plaintext {
    /// See [`HandshakeCause::hint`].
    pub(super) const fn hint(&self) -> &'static str {
        match self {
            Self::Sip { .. } => "phone set to TCP instead of TLS?",
            Self::SipKeepAlive => "phone set to TCP instead of TLS? (a keep-alive)",
            Self::Http => "a browser, a scanner or an HTTP health check",
            Self::Other => "not TLS: a scanner, or a client of something else",
        }
    }

    /// See [`HandshakeCause::explain`].
    pub(super) const fn explanation(&self) -> &'static str {
        match self {
            Self::Sip { .. } => {
                "A SIP message came in clear on the TLS port, and was not answered. The peer's transport \
                 is set to TCP, or it was given port 5061 without TLS. Set its transport to TLS (or the \
                 proxy address to ...;transport=tls)."
            }
            Self::SipKeepAlive => {
                "A SIP keep-alive (CRLF) came in clear on the TLS port. The peer keeps a connection open \
                 that it believes to be plain TCP. Set its transport to TLS."
            }
            Self::Http => {
                "An HTTP request came in clear on the SIP port. A browser, a web scanner, or a health \
                 check of a load balancer set to HTTP. Set the check to TCP or TLS; else ignore it."
            }
            Self::Other => {
                "What came is not TLS, nor SIP or HTTP in clear. Scanners trying other protocols do \
                 this, and load balancers that put a PROXY protocol header before the TLS bytes without \
                 being listed as such. Look at the first bytes in the log line."
            }
        }
    }
}

impl Cancelled {
    /// The name on the wire, in snake_case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Operator => "operator",
            Self::SupervisorGone => "supervisor_gone",
            Self::Evicted => "evicted",
        }
    }

    /// See [`HandshakeCause::hint`].
    pub(super) const fn hint(self) -> &'static str {
        match self {
            Self::Drain => "we are shutting down",
            Self::Operator => "closed on request",
            Self::Evicted => "silent while others waited: one source took its all",
            Self::SupervisorGone => "our supervisor died: see the error in the log",
        }
    }

    /// See [`HandshakeCause::explain`].
    pub(super) const fn explanation(self) -> &'static str {
        match self {
            Self::Drain => {
                "We called the handshake off because the supervisor is shutting down. Nothing is wrong \
                 with the peer; it will connect again elsewhere or later."
            }
            Self::Operator => {
                "We called the handshake off because an operator or the application asked for it. \
                 Nothing is wrong with the peer; it may connect again."
            }
            Self::Evicted => {
                "All handshakes were taken, this one had said nothing yet, and its source had most of \
                 them: it made way for another source. A scanner, an attack by silence, or a network that \
                 holds ClientHellos back. Look who the source is; if it is a load balancer of yours, \
                 exempt it."
            }
            Self::SupervisorGone => {
                "We called the handshake off because the supervisor died. The panic is in the log and in \
                 the last event; please report it. Start the program again."
            }
        }
    }
}

impl fmt::Display for HandshakeCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.detail() {
            Some(detail) => write!(f, "{} ({detail})", self.name()),
            None => f.write_str(self.name()),
        }
    }
}
