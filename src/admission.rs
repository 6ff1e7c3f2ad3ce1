//! Sans-io: who may come in. A permit is held by its session; its drop is the accounting.

use crate::cause::RefusalCause;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The rules of admission, shared by all acceptors.
#[derive(Debug)]
pub(crate) struct Admission {
    open: AtomicUsize,
    max_connections: usize,
    draining: AtomicBool,
}

/// Why a connection was not let in, with the numbers that decided it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) cause: RefusalCause,
    pub(crate) limit: u64,
    pub(crate) current: u64,
}

/// The right to one open connection. Dropped with the last thing the session owns.
#[derive(Debug)]
pub(crate) struct Permit {
    admission: Arc<Admission>,
}

impl Admission {
    pub(crate) fn new(max_connections: usize) -> Arc<Self> {
        Arc::new(Self {
            open: AtomicUsize::new(0),
            max_connections,
            draining: AtomicBool::new(false),
        })
    }

    pub(crate) fn admit(self: &Arc<Self>) -> Result<Permit, Refusal> {
        let refusal = |cause, limit, current| {
            Err(Refusal {
                cause,
                limit: limit as u64,
                current: current as u64,
            })
        };
        if self.draining.load(Ordering::Acquire) {
            return refusal(RefusalCause::Draining, 0, self.open());
        }
        let taken = self
            .open
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |open| {
                (open < self.max_connections).then_some(open + 1)
            });
        match taken {
            Ok(_) => Ok(Permit {
                admission: Arc::clone(self),
            }),
            Err(open) => refusal(RefusalCause::ConnectionLimit, self.max_connections, open),
        }
    }

    /// From now on everybody is refused.
    pub(crate) fn close(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Permits out at this moment.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    pub(crate) const fn max_connections(&self) -> usize {
        self.max_connections
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.admission.open.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_is_admitted_and_one_more_is_refused_with_both_numbers() {
        let admission = Admission::new(2);
        let _first = admission.admit().unwrap();
        let _second = admission.admit().unwrap();
        let refusal = admission.admit().unwrap_err();
        assert_eq!(refusal.cause, RefusalCause::ConnectionLimit);
        assert_eq!((refusal.limit, refusal.current), (2, 2));
    }

    #[test]
    fn dropping_a_permit_gives_the_place_back() {
        let admission = Admission::new(1);
        drop(admission.admit().unwrap());
        assert_eq!(admission.open(), 0);
        assert!(admission.admit().is_ok());
    }

    #[test]
    fn nobody_is_admitted_while_draining() {
        let admission = Admission::new(1);
        admission.close();
        assert_eq!(admission.admit().unwrap_err().cause, RefusalCause::Draining);
    }
}
