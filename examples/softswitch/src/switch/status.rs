//! The refusal of a request, and the reason phrases of the responses that the switch itself makes
//! (RFC 3261 21, RFC 5626 11).

use std::borrow::Cow;

use sipward::sip::Problem;

/// The usual phrase for a status line.
pub fn reason(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        423 => "Interval Too Brief",
        439 => "First Hop Lacks Outbound Support",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        487 => "Request Terminated",
        503 => "Service Unavailable",
        _ => "Server Internal Error",
    }
}

/// The response to a request that the switch refuses.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) reason: Cow<'static, str>,
    /// Whole header lines.
    pub(super) headers: String,
}

impl Refusal {
    /// A refusal with the usual phrase.
    pub(super) fn new(status: u16) -> Refusal {
        Refusal::because(status, reason(status))
    }

    /// A refusal with a more specific phrase.
    pub(super) fn because(status: u16, reason: &'static str) -> Refusal {
        Refusal {
            status,
            reason: Cow::Borrowed(reason),
            headers: String::new(),
        }
    }

    /// 400 for a header that cannot be read: `400 Bad To: unbalanced quote`.
    pub(super) fn unreadable(what: &str, problem: Problem) -> Refusal {
        Refusal {
            status: 400,
            reason: Cow::Owned(format!("Bad {what}: {problem}")),
            headers: String::new(),
        }
    }

    /// 400 for a header that must be there: `400 Missing Call-ID`.
    pub(super) fn missing(what: &str) -> Refusal {
        Refusal {
            status: 400,
            reason: Cow::Owned(format!("Missing {what}")),
            headers: String::new(),
        }
    }

    /// 400 for a header that may be there once: `400 Repeated Call-ID`.
    pub(super) fn repeated(what: &str) -> Refusal {
        Refusal {
            status: 400,
            reason: Cow::Owned(format!("Repeated {what}")),
            headers: String::new(),
        }
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Refusal {
        for text in [name, ": ", value, "\r\n"] {
            self.headers.push_str(text);
        }
        self
    }
}
