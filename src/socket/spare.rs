//! Memory for queues, shared by the sockets of a thread. Most queues live for one write. To reuse one piece of memory
//! keeps it in the processor's cache.

use std::cell::Cell;

/// A larger queue is freed: a thread keeps the spare memory for ever, and bursts are rare.
const KEPT: usize = 64 * 1024;

thread_local!(static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) });

/// An empty queue. It uses the spare memory, unless another queue uses it now.
pub(super) fn lend() -> Vec<u8> {
    SPARE.take()
}

/// Takes back the memory of a queue that was written.
pub(super) fn give_back(mut queue: Vec<u8>) {
    if queue.capacity() <= KEPT {
        queue.clear();
        SPARE.set(queue);
    }
}

/// Shrinks a queue whose peer receives nothing at the moment.
pub(super) fn keep_little(queue: &mut Vec<u8>) {
    if queue.capacity() > 2 * queue.len() {
        queue.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_given_back_is_lent_once_and_empty() {
        give_back(b"written".to_vec());
        let lent = lend();
        assert!(lent.is_empty() && lent.capacity() >= 7);
        assert_eq!(lend().capacity(), 0, "it is lent already");
    }

    #[test]
    fn the_memory_of_a_burst_is_not_kept() {
        give_back(Vec::new());
        give_back(Vec::with_capacity(KEPT + 1));
        assert_eq!(lend().capacity(), 0);
    }

    #[test]
    fn a_waiting_queue_frees_memory_that_it_does_not_need() {
        let mut queue = Vec::with_capacity(KEPT);
        queue.extend_from_slice(b"waits");
        keep_little(&mut queue);
        assert!(queue.capacity() < 64, "{}", queue.capacity());
        assert_eq!(queue, b"waits");
    }
}
