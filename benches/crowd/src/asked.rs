//! What the server is told by lines on standard input, and answers by lines on standard output.

/// What is asked for in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The counters: `open`, `balanced`.
    Snapshot,
    /// All sessions in one page: `sessions`, `pages`, `wall_us`, `cpu_us`.
    Listing,
    /// The same in pages of 500.
    Pages,
    /// From now on a page of 500 sessions and the counters are asked for a hundred times a second.
    Constantly,
    /// No more of that: `listings` that were gone through, `pages`.
    Hush,
}

impl Asked {
    const WORDS: [(Self, &str); 5] = [
        (Self::Snapshot, "snapshot"),
        (Self::Listing, "listing"),
        (Self::Pages, "pages"),
        (Self::Constantly, "constantly"),
        (Self::Hush, "hush"),
    ];

    /// As a line.
    pub fn word(self) -> &'static str {
        let mut words = Self::WORDS.iter();
        words
            .find(|(asked, _)| *asked == self)
            .map_or("", |(_, word)| word)
    }

    /// From a line.
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = Self::WORDS.iter();
        words
            .find(|(_, word)| *word == line.trim())
            .map(|(asked, _)| *asked)
    }
}
