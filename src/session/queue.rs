//! The queue of messages that a session is to send.

use bytes::Bytes;
use std::collections::VecDeque;

/// A queue that allocates nothing for one message, and frees what it allocated for more when they are
/// sent.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// The oldest message. `None` only when the whole queue is empty.
    first: Option<Bytes>,
    others: VecDeque<Bytes>,
    bytes: usize,
}

impl Queue {
    pub(super) fn push(&mut self, message: Bytes) {
        self.bytes += message.len();
        if self.first.is_none() {
            self.first = Some(message);
        } else {
            self.others.push_back(message);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Bytes> {
        let message = self.first.take()?;
        self.bytes -= message.len();
        self.first = self.others.pop_front();
        if self.others.is_empty() && self.others.capacity() > 0 {
            self.others = VecDeque::new();
        }
        Some(message)
    }

    /// The length of all messages together, in bytes.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_leave_in_their_order_and_leave_no_memory_behind() {
        let mut queue = Queue::default();
        for round in 1..=3 {
            let messages: Vec<Bytes> = (0..round).map(|n| Bytes::from(vec![n; 10])).collect();
            for message in &messages {
                queue.push(message.clone());
            }
            assert_eq!(queue.bytes(), messages.len() * 10);
            for message in &messages {
                assert_eq!(queue.pop().as_ref(), Some(message));
                queue.push(Bytes::from_static(b"and one more"));
                assert_eq!(
                    queue.others.back().or(queue.first.as_ref()).unwrap().len(),
                    12
                );
            }
            while queue.pop().is_some() {}
            assert_eq!((queue.bytes(), queue.others.capacity()), (0, 0));
        }
    }
}
