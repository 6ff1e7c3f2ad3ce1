//! The hashes of digest authentication (RFC 7616 section 3.4, RFC 8760 section 2.2).

use std::fmt;

use md5::Md5;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// A digest algorithm this server can offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    Sha256,
    Md5,
}

impl Algorithm {
    /// Every algorithm, the preferred one first (RFC 8760 section 2.4: the
    /// client answers the topmost challenge it understands).
    pub const PREFERENCE: [Self; 2] = [Self::Sha256, Self::Md5];

    /// The `algorithm` token, as in RFC 7616 section 3.3.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Md5 => "MD5",
        }
    }

    /// `H(part ":" part ":" ...)` of RFC 7616 section 3.4.
    pub fn hash(self, parts: &[&[u8]]) -> Hash {
        match self {
            Self::Sha256 => Hash::of::<Sha256>(parts),
            Self::Md5 => Hash::of::<Md5>(parts),
        }
    }

    /// The `response` parameter that a client with this `ha1` sends with `qop=auth`.
    pub fn response(self, ha1: &Hash, input: &DigestInput<'_>) -> Hash {
        let ha2 = self.hash(&[input.method.as_bytes(), input.uri.as_bytes()]);
        self.hash(&[
            ha1.as_bytes(),
            input.nonce.as_bytes(),
            input.count,
            input.cnonce.as_bytes(),
            b"auth",
            ha2.as_bytes(),
        ])
    }
}

/// The inputs to a response besides HA1, each exactly as the client sent it.
pub struct DigestInput<'a> {
    pub method: &'a str,
    /// The `uri` parameter.
    pub uri: &'a str,
    pub nonce: &'a str,
    /// The `nc` parameter: eight hex digits.
    pub count: &'a [u8],
    pub cnonce: &'a str,
}

/// A hash as the lower-case hex text that digest computations work on.
///
/// An HA1 is equivalent to the password. Therefore `Debug` does not show it, and `matches` compares
/// in constant time.
#[derive(Clone, Copy)]
pub struct Hash {
    hex: [u8; 64],
    len: usize,
}

impl Hash {
    /// Reads 32 (MD5) or 64 (SHA-256) hex digits of either case.
    pub fn from_hex(text: &str) -> Option<(Algorithm, Self)> {
        let algorithm = match text.len() {
            32 => Algorithm::Md5,
            64 => Algorithm::Sha256,
            _ => return None,
        };
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut hex = [0; 64];
        hex[..text.len()].copy_from_slice(text.as_bytes());
        hex.make_ascii_lowercase();
        let len = text.len();
        Some((algorithm, Self { hex, len }))
    }

    /// The lower-case hex digits.
    pub fn as_bytes(&self) -> &[u8] {
        &self.hex[..self.len]
    }

    /// Whether `text` is this hash, in constant time for texts of its length.
    pub fn matches(&self, text: &str) -> Choice {
        self.as_bytes().ct_eq(text.as_bytes())
    }

    fn of<D: Digest>(parts: &[&[u8]]) -> Self {
        let mut state = D::new();
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                state.update(b":");
            }
            state.update(part);
        }
        let digest = state.finalize();
        let mut hex = [0; 64];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(digest.iter()) {
            pair.copy_from_slice(&hex_digits(*byte));
        }
        let len = digest.len() * 2;
        Self { hex, len }
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(..)")
    }
}

/// The two lower-case hex digits of a byte.
pub fn hex_digits(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [
        DIGITS[usize::from(byte >> 4)],
        DIGITS[usize::from(byte & 15)],
    ]
}

#[cfg(test)]
mod tests;
