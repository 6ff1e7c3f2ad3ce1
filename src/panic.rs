//! Panics as values: how a task that must go on learns of a panic and keeps its text.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a step. The error is the text of its panic, and nothing of that panic is left.
pub(crate) fn catch<R>(step: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(step)).map_err(|panic| {
        let message = panic_message(&*panic);
        // A panic's payload may panic when it is dropped, and so may the payload of that panic.
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
            std::mem::forget(again);
        }
        message
    })
}

/// The text a panic was raised with.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct PanicsWhenDropped;

    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }

    #[test]
    fn a_panic_becomes_its_text() {
        assert_eq!(catch(|| 7), Ok(7));
        assert_eq!(catch(|| panic!("plain")), Err::<(), _>("plain".to_owned()));
        let number = 7;
        assert_eq!(
            catch(|| panic!("number {number}")),
            Err::<(), _>("number 7".to_owned())
        );
    }

    #[test]
    fn a_payload_that_panics_when_dropped_does_no_harm() {
        let caught = catch(|| std::panic::panic_any(PanicsWhenDropped));
        assert_eq!(caught, Err::<(), _>("a panic without a message".to_owned()));
    }
}
