//! Takes a lock, in the one way that the harness uses.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes a lock, poisoned or not: a panic elsewhere has already ended the run.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
