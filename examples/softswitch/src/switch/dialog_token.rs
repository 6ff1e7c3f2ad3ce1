//! The token in Record-Route: names the two ends of a dialog, protected by a MAC.
//!
//! Requests within a dialog carry it in Route (RFC 3261 16.12). With it the switch finds the other
//! party's connection without keeping state and without using a Contact (as in RFC 5626 5.2). An end
//! is named by its binding, so that a phone which connects and registers again is found; the
//! connection it had is there for parties without a binding.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::effects::FlowId;
use super::text::push_hex;

/// Octets of the truncated HMAC-SHA-256.
const MAC_LEN: usize = 10;

/// Octets before the MAC: two ends of a flow and a binding each, and the dialog.
const FIELDS_LEN: usize = 5 * 8;

/// Hexadecimal digits of a token.
pub(super) const TOKEN_LEN: usize = 2 * (FIELDS_LEN + MAC_LEN);

/// One end of a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// The connection it had when the dialog began.
    pub(super) flow: FlowId,
    /// The number of its binding, or of its account if it has none, or 0 if that is not known
    /// either.
    pub(super) binding: u64,
}

/// Which end of a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Caller,
    Callee,
}

/// The two ends of a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DialogToken {
    pub(super) caller: End,
    pub(super) callee: End,
    /// Keyed hash of the Call-ID and the caller's tag: the token is good for this dialog alone, and
    /// tells in which direction a later request goes.
    pub(super) dialog: u64,
}

impl Side {
    pub(super) fn other(self) -> Side {
        match self {
            Side::Caller => Side::Callee,
            Side::Callee => Side::Caller,
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
    pub(super) fn seal(&self, token: DialogToken) -> String {
        let mut fields = [0; FIELDS_LEN];
        let numbers = [
            token.caller.flow.0,
            token.caller.binding,
            token.callee.flow.0,
            token.callee.binding,
            token.dialog,
        ];
        for (place, number) in fields.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_be_bytes());
        }
        let mac = self.mac.clone().chain_update(fields).finalize();
        let mut text = String::with_capacity(TOKEN_LEN);
        for byte in fields.iter().chain(&mac.into_bytes()[..MAC_LEN]) {
            push_hex::<2>(&mut text, u64::from(*byte));
        }
        text
    }

    /// Reads a token back, in time that does not depend on how much of its MAC is right.
    pub(super) fn open(&self, text: &str) -> Result<DialogToken, Forged> {
        let mut octets = [0; FIELDS_LEN + MAC_LEN];
        if !is_token(text) {
            return Err(Forged);
        }
        for (place, digits) in octets.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *place = 16 * value_of(digits[0]) + value_of(digits[1]);
        }
        let (fields, mac) = octets.split_at(FIELDS_LEN);
        self.mac
            .clone()
            .chain_update(fields)
            .verify_truncated_left(mac)
            .map_err(|_| Forged)?;
        let number = |at: usize| {
            let octets = &fields[at..at + 8];
            octets
                .iter()
                .fold(0, |number, octet| number << 8 | u64::from(*octet))
        };
        let end = |at: usize| End {
            flow: FlowId(number(at)),
            binding: number(at + 8),
        };
        Ok(DialogToken {
            caller: end(0),
            callee: end(16),
            dialog: number(32),
        })
    }
}

/// The value of a lower-case hexadecimal digit.
fn value_of(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit.wrapping_sub(b'a' - 10),
    }
}

/// Whether a user part has the form of a token. Its MAC may still be wrong.
pub(super) fn is_token(user: &str) -> bool {
    user.len() == TOKEN_LEN
        && user
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
}
