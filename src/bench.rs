//! Pieces of the hot path that are no part of the interface, for `benches/` and for the tests of what a
//! piece costs, and nobody else.

mod accounting;
#[cfg(feature = "testing")]
mod alone;

pub use accounting::{Door, Records};
#[cfg(feature = "testing")]
pub use alone::Alone;
