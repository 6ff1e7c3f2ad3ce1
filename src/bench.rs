//! Parts of the hot path, for `benches/` and for tests of what a part costs. Not part of the interface.

mod accounting;
#[cfg(feature = "testing")]
mod alone;

pub use accounting::{AdmissionPiece, LedgerPiece};
#[cfg(feature = "testing")]
pub use alone::Alone;
