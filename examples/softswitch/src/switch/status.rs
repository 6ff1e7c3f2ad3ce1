//! The refusal of a request, and the reason phrases of the responses that the switch itself makes
//! (RFC 3261 21, RFC 5626 11).

/// The phrase for a status line.
pub(super) fn reason(status: u16) -> &'static str {
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
        430 => "Flow Failed",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        503 => "Service Unavailable",
        _ => "Server Internal Error",
    }
}

/// The response to a request that the switch refuses.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) reason: &'static str,
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
            reason,
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
