//! The vectors of TLS (RFC 8446 section 3.4), read as far as they are there.

/// The unread rest of a message.
#[derive(Debug)]
pub(super) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next `count` bytes; `None`, and nothing is read, when fewer are there.
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// The next `count` bytes or the fewer that are there.
    pub(super) fn take_up_to(&mut self, count: usize) -> Self {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        Self(taken)
    }

    /// A 16-bit number.
    pub(super) fn number(&mut self) -> Option<u16> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u16::from_be_bytes(*number))
    }

    /// A vector behind a length of one byte.
    pub(super) fn short_vector(&mut self) -> Option<&'a [u8]> {
        let length = self.take(1)?;
        self.take(usize::from(*length.first()?))
    }

    /// A vector behind a length of two bytes.
    pub(super) fn vector(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(usize::from(length))
    }

    /// A whole extension with its type and length (RFC 8446 section 4.2).
    pub(super) fn extension(&mut self) -> Option<&'a [u8]> {
        let length = Self(self.0.get(2..)?).number()?;
        self.take(4 + usize::from(length))
    }
}

/// The 16-bit numbers of a vector without GREASE.
pub(super) fn numbers(vector: &[u8]) -> Vec<u16> {
    let pairs = vector.chunks_exact(2);
    without_grease(pairs.map(|pair| u16::from_be_bytes([pair[0], pair[1]])))
}

pub(super) fn without_grease(values: impl IntoIterator<Item = u16>) -> Vec<u16> {
    values
        .into_iter()
        .filter(|value| !is_grease(*value))
        .collect()
}

/// RFC 8701 section 2: 0x0A0A, 0x1A1A and so on to 0xFAFA mean nothing.
pub(super) fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

/// The bytes as printable ASCII, lossless: what is not printable, and `\`, `"` and `'`, is escaped
/// as in Rust.
pub(super) fn printable(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}
