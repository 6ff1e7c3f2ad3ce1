//! The order of the handshake messages of one direction (RFC 8446 section 4).

/// The types of the handshake messages in the order they came.
#[derive(Debug, Default)]
pub(super) struct Messages {
    types: [u8; super::NOTED_MESSAGES],
    len: u8,
}

impl Messages {
    const HELLO_RETRY_REQUEST: u8 = 6;

    pub(super) fn types(&self) -> &[u8] {
        &self.types[..usize::from(self.len)]
    }

    pub(super) fn note(&mut self, message: u8) {
        if let Some(slot) = self.types.get_mut(usize::from(self.len)) {
            *slot = message;
            self.len += 1;
        }
    }

    pub(super) fn last_was_a_retry(&mut self) {
        if let Some(last) = self.types[..usize::from(self.len)].last_mut() {
            *last = Self::HELLO_RETRY_REQUEST;
        }
    }

    pub(super) fn has_retry(&self) -> bool {
        self.types().contains(&Self::HELLO_RETRY_REQUEST)
    }

    pub(super) fn ends_in_retry(&self) -> bool {
        self.types().last() == Some(&Self::HELLO_RETRY_REQUEST)
    }
}
