//! Authentication: the accounts, and digest authentication against them.

pub mod accounts;
pub mod digest;
mod shared;

pub use accounts::{Accounts, DemoUser};
pub use digest::{DigestAuthenticator, NONCE_LIFETIME};
pub use shared::{SharedAuthenticator, lock};
