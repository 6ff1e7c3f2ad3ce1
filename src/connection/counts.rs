//! How many connections began and how they went on, with the two equations that must always hold.

/// How many connections of one direction began since the supervisor started, and how they went on.
///
/// Always: `begun = refused + failed + ready + handshaking` and `ready = closed + open`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Connections accepted, or dialled.
    pub begun: u64,
    /// Connections refused before the handshake.
    pub refused: u64,
    /// Handshakes that failed.
    pub failed: u64,
    /// Handshakes that succeeded.
    pub ready: u64,
    /// Established sessions that have ended.
    pub closed: u64,
    /// Handshakes in progress now.
    pub handshaking: u64,
    /// Established sessions open now.
    pub open: u64,
}

impl Counts {
    /// Whether both equations hold.
    pub const fn balanced(&self) -> bool {
        self.begun == self.refused + self.failed + self.ready + self.handshaking
            && self.ready == self.closed + self.open
    }
}
