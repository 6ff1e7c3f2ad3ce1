//! The desk the books lie on: the supervisor works at it, and whoever has a word for it finds it free.

use super::Books;
use crate::ending::panic_message;
use crate::lane::{Clerk, Words};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};

/// Words entered before others get the thread.
const WORDS_A_TURN: usize = 64;

/// Shared by the supervisor and its keeper, and weakly by the lane.
#[derive(Clone)]
pub(crate) struct Desk {
    books: Arc<Mutex<Books>>,
}

impl Desk {
    pub(crate) fn new(books: Books) -> Self {
        Self {
            books: Arc::new(Mutex::new(books)),
        }
    }

    /// The books, once nobody else has them: for a few words, or for one answer.
    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        // Who panicked at them is the supervisor's end, which has to go on with them.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the books up, and waits until nobody has them: then everything in them is gone.
    pub(super) async fn clear(self) {
        let books = Arc::downgrade(&self.books);
        drop(self);
        // Whoever has just had a word for them is about to let go.
        while books.strong_count() > 0 {
            async_std::task::yield_now().await;
        }
    }

    /// For those who only look.
    pub(crate) fn window(&self) -> Window {
        Window {
            books: Arc::downgrade(&self.books),
        }
    }

    /// What the lane may call on.
    pub(crate) fn clerk(&self) -> Arc<dyn Clerk> {
        Arc::clone(&self.books) as Arc<dyn Clerk>
    }
}

/// A look at the books without a word to the supervisor: who wants to know does the work.
#[derive(Clone)]
pub(crate) struct Window {
    books: Weak<Mutex<Books>>,
}

impl Window {
    /// `None` when the supervisor has ended.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&Books) -> R) -> Option<R> {
        let books = self.books.upgrade()?;
        let books = books.lock().unwrap_or_else(PoisonError::into_inner);
        books.broken.is_none().then(|| look(&books))
    }
}

impl Clerk for Mutex<Books> {
    fn enter_waiting(&self, words: &Words) -> bool {
        let mut books = match self.try_lock() {
            Ok(books) => books,
            Err(TryLockError::Poisoned(_) | TryLockError::WouldBlock) => return false,
        };
        // Whoever goes down, or has broken down, needs the keeper's eye on every word.
        if books.shutdown.is_some() || books.broken.is_some() {
            return false;
        }
        enter(&mut books, words)
    }
}

/// Enters what waits in the lane, for a turn. True when nothing is left.
pub(super) fn enter(books: &mut Books, words: &Words) -> bool {
    for _ in 0..WORDS_A_TURN {
        let Some(word) = words.take() else {
            return true;
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| books.enter(word))) {
            // The first panic is the one that explains.
            books.broken.get_or_insert(panic_message(&*panic));
            return false;
        }
    }
    false
}
