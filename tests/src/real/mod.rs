//! Real programs for the tests: the softswitch itself, and the phones and load tools of others.

pub mod baresip;
pub mod events;
pub mod linphone;
pub mod own_address;
pub mod program;
pub mod relay;
pub mod scratch;
pub mod sipp;
pub mod switch;

use std::time::Duration;

/// How long a test waits for what must come. Only a failing test ever waits this long.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(60);
