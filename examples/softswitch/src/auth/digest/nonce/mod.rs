//! Server nonces. Issuing one needs no memory; the counts of used ones are kept (RFC 7616 sections
//! 3.3, 3.4 and 5.4).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::hash::hex_digits;

/// How many used nonces are remembered. With more, the oldest are retired: they are stale from then
/// on.
pub const REMEMBERED_NONCES: usize = 65_536;

const STAMP_BYTES: usize = 12;
const MAC_BYTES: usize = 16;
const NONCE_BYTES: usize = STAMP_BYTES + MAC_BYTES;

/// When a nonce was issued; orders nonces from old to new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Stamp {
    /// Milliseconds since the Unix epoch.
    millis: u64,
    /// Distinguishes nonces issued within one millisecond.
    serial: u32,
}

/// A nonce issued here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonce {
    stamp: Stamp,
    mac: [u8; MAC_BYTES],
}

/// A nonce that was used, and its highest count.
struct UsedNonce {
    count: u32,
    /// The MAC of the nonce, kept so that it need not be computed again when the nonce comes again.
    mac: [u8; MAC_BYTES],
}

/// Issues nonces, recognises its own and remembers the highest count of each.
///
/// A nonce is hex text of its stamp and of a truncated HMAC-SHA-256 over it, so a nonce that was
/// only issued takes no memory. Only [`record_use`](Self::record_use) makes an entry; it is called
/// after the password was verified, so a peer without one cannot fill the memory.
pub struct Nonces {
    mac: Hmac<Sha256>,
    lifetime: Duration,
    capacity: usize,
    serial: AtomicU32,
    used: BTreeMap<Stamp, UsedNonce>,
    /// Nonces up to this one have been removed, and are stale for ever.
    retired: Option<Stamp>,
}

impl Nonces {
    /// Makes nonces that are valid for `lifetime` after issue, with a MAC under `secret`.
    ///
    /// Generate a new secret at each start: the counts are lost with the process, so nonces from an
    /// earlier run could be replayed under the same secret.
    pub fn new(secret: [u8; 32], lifetime: Duration, capacity: usize) -> Self {
        let mut block = [0; 64];
        block[..secret.len()].copy_from_slice(&secret);
        Self {
            mac: Hmac::new(&block.into()),
            lifetime,
            capacity,
            serial: AtomicU32::new(0),
            used: BTreeMap::new(),
            retired: None,
        }
    }

    /// Issues a nonce that was never issued before.
    pub fn issue(&self, now: SystemTime) -> String {
        let stamp = Stamp {
            millis: millis(now),
            serial: self.serial.fetch_add(1, Ordering::Relaxed),
        };
        let mut bytes = [0; NONCE_BYTES];
        bytes[..8].copy_from_slice(&stamp.millis.to_be_bytes());
        bytes[8..STAMP_BYTES].copy_from_slice(&stamp.serial.to_be_bytes());
        let mac = self.mac_of(&bytes[..STAMP_BYTES]);
        bytes[STAMP_BYTES..].copy_from_slice(&mac);

        let mut nonce = String::with_capacity(NONCE_BYTES * 2);
        for byte in bytes {
            nonce.extend(hex_digits(byte).map(char::from));
        }
        nonce
    }

    /// Parses a nonce that was issued here, expired or not; `None` for any other text.
    pub fn recognise(&self, nonce: &str) -> Option<Nonce> {
        let bytes = decode(nonce)?;
        let (stamped, rest) = bytes.split_at(STAMP_BYTES);
        let (millis, serial) = stamped.split_at(8);
        let stamp = Stamp {
            millis: u64::from_be_bytes(millis.try_into().ok()?),
            serial: u32::from_be_bytes(serial.try_into().ok()?),
        };
        let mac = match self.used.get(&stamp) {
            Some(used) => used.mac,
            None => self.mac_of(stamped),
        };
        bool::from(mac.ct_eq(rest)).then_some(Nonce { stamp, mac })
    }

    /// Records the use of a nonce with this count. False if the nonce has expired, was retired, or
    /// was used with this or a higher count before.
    pub fn record_use(&mut self, nonce: Nonce, count: u32, now: SystemTime) -> bool {
        let Nonce { stamp, mac } = nonce;
        self.retire_expired(now);
        if self.expired(stamp, now) || Some(stamp) <= self.retired {
            return false;
        }
        let used = self
            .used
            .entry(stamp)
            .or_insert(UsedNonce { count: 0, mac });
        if count <= used.count {
            return false;
        }
        used.count = count;
        if self.used.len() > self.capacity {
            self.retire_oldest();
        }
        true
    }

    fn retire_expired(&mut self, now: SystemTime) {
        while let Some((oldest, _)) = self.used.first_key_value() {
            if !self.expired(*oldest, now) {
                return;
            }
            self.retire_oldest();
        }
    }

    fn retire_oldest(&mut self) {
        if let Some((oldest, _)) = self.used.pop_first() {
            self.retired = self.retired.max(Some(oldest));
        }
    }

    fn expired(&self, stamp: Stamp, now: SystemTime) -> bool {
        let age = millis(now).saturating_sub(stamp.millis);
        Duration::from_millis(age) >= self.lifetime
    }

    fn mac_of(&self, stamp: &[u8]) -> [u8; MAC_BYTES] {
        let mut mac = self.mac.clone();
        mac.update(stamp);
        let full = mac.finalize().into_bytes();
        let mut truncated = [0; MAC_BYTES];
        truncated.copy_from_slice(&full[..MAC_BYTES]);
        truncated
    }
}

fn millis(now: SystemTime) -> u64 {
    let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

fn decode(nonce: &str) -> Option<[u8; NONCE_BYTES]> {
    if nonce.len() != NONCE_BYTES * 2 {
        return None;
    }
    let mut bytes = [0; NONCE_BYTES];
    for (byte, pair) in bytes.iter_mut().zip(nonce.as_bytes().chunks_exact(2)) {
        *byte = hex_value(pair[0])? << 4 | hex_value(pair[1])?;
    }
    Some(bytes)
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
