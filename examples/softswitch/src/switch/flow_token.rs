//! The token in Record-Route: names the two flows of a dialog, protected by a MAC.
//!
//! Requests within a dialog carry it in Route (RFC 3261 16.12). With it the switch finds the other
//! party's connection without keeping state and without using a Contact (as in RFC 5626 5.2).

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::effects::FlowId;
use super::text::push_hex;

/// Octets of the truncated HMAC-SHA-256.
const MAC_LEN: usize = 10;

/// Hexadecimal digits of a token: two flows, the tag, and the MAC.
pub(super) const TOKEN_LEN: usize = 16 + 16 + 8 + 2 * MAC_LEN;

/// The two ends of a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FlowToken {
    pub(super) caller: FlowId,
    pub(super) callee: FlowId,
    /// Short hash of the caller's From tag; it tells in which direction a later request goes.
    pub(super) caller_tag: u32,
}

impl FlowToken {
    /// The flow for a request with this From tag: the other one than its sender's.
    pub(super) fn towards(&self, from_tag: &str) -> FlowId {
        if short_hash(from_tag) == self.caller_tag {
            self.callee
        } else {
            self.caller
        }
    }
}

/// A token that this switch did not make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forged;

/// Makes and checks tokens.
#[derive(Debug)]
pub(super) struct TokenKey {
    mac: Hmac<Sha256>,
}

impl TokenKey {
    pub(super) fn new(secret: &[u8; 32]) -> TokenKey {
        // HMAC pads a shorter key with zeros to a block. Passing a whole block avoids an error for
        // a wrong length.
        let mut block = [0; 64];
        block[..32].copy_from_slice(secret);
        TokenKey {
            mac: Hmac::new(&block.into()),
        }
    }

    /// The token as `TOKEN_LEN` characters that need no escaping in a URI.
    pub(super) fn seal(&self, token: FlowToken) -> String {
        let mut text = String::with_capacity(TOKEN_LEN);
        push_hex::<16>(&mut text, token.caller.0);
        push_hex::<16>(&mut text, token.callee.0);
        push_hex::<8>(&mut text, token.caller_tag.into());
        let tag = self
            .mac
            .clone()
            .chain_update(text.as_bytes())
            .finalize()
            .into_bytes();
        for byte in &tag[..MAC_LEN] {
            push_hex::<2>(&mut text, u64::from(*byte));
        }
        text
    }

    /// Reads a token back, in time that does not depend on how much of its MAC is right.
    pub(super) fn open(&self, text: &str) -> Result<FlowToken, Forged> {
        if !is_token(text) {
            return Err(Forged);
        }
        let (fields, mac) = text.split_at(TOKEN_LEN - 2 * MAC_LEN);
        let mut claimed = [0; MAC_LEN];
        for (index, byte) in claimed.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&mac[2 * index..2 * index + 2], 16).map_err(|_| Forged)?;
        }
        self.mac
            .clone()
            .chain_update(fields.as_bytes())
            .verify_truncated_left(&claimed)
            .map_err(|_| Forged)?;
        let number = |digits: &str| u64::from_str_radix(digits, 16).map_err(|_| Forged);
        Ok(FlowToken {
            caller: FlowId(number(&fields[..16])?),
            callee: FlowId(number(&fields[16..32])?),
            caller_tag: u32::from_str_radix(&fields[32..], 16).map_err(|_| Forged)?,
        })
    }
}

/// Whether a user part has the form of a token. Its MAC may still be wrong.
pub(super) fn is_token(user: &str) -> bool {
    user.len() == TOKEN_LEN
        && user
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
}

/// The first 32 bits of the tag's SHA-256.
pub(super) fn short_hash(tag: &str) -> u32 {
    let digest = Sha256::digest(tag.as_bytes());
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}
