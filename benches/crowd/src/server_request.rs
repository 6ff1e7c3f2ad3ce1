//! The requests that the server reads as lines on standard input. It answers each with a line of
//! JSON on standard output.

/// One request to the server, with the names of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerRequest {
    /// The counters: `open`, `balanced`.
    Snapshot,
    /// Lists all sessions in one page: `sessions`, `pages`, `wall_us`, `cpu_us`.
    Listing,
    /// Lists all sessions in pages of 500, with the same answer.
    Pages,
    /// Starts a task that lists a page of 500 sessions and takes a snapshot a hundred times a
    /// second.
    StartPolling,
    /// Stops that task: `listings` that it completed, `pages` that it listed.
    StopPolling,
}

impl ServerRequest {
    const WORDS: [(Self, &str); 5] = [
        (Self::Snapshot, "snapshot"),
        (Self::Listing, "listing"),
        (Self::Pages, "pages"),
        (Self::StartPolling, "start-polling"),
        (Self::StopPolling, "stop-polling"),
    ];

    /// The line.
    pub fn word(self) -> &'static str {
        let mut words = Self::WORDS.iter();
        words
            .find(|(request, _)| *request == self)
            .map_or("", |(_, word)| word)
    }

    /// The request in this line.
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = Self::WORDS.iter();
        words
            .find(|(_, word)| *word == line.trim())
            .map(|(request, _)| *request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_read_from_the_line_it_is_written_as() {
        for (request, _) in ServerRequest::WORDS {
            let line = format!("{}\n", request.word());
            assert_eq!(ServerRequest::parse(&line), Some(request));
        }
    }

    #[test]
    fn any_other_line_is_no_request() {
        for line in ["", "\n", "snapshots", "SNAPSHOT"] {
            assert_eq!(ServerRequest::parse(line), None, "{line:?}");
        }
    }
}
