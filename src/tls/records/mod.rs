//! Reads the TLS record layer of one direction of a connection as evidence of what happened on it.
//!
//! RFC 8446 section 5 and RFC 5246 section 6 rule: five bytes of header name the content and its
//! length. What stays in plaintext (hellos, alerts, the order of the flight) is noted; everything
//! encrypted is skipped unread.

mod flight;
mod messages;

#[cfg(test)]
mod handshake_tests;
#[cfg(test)]
mod tests;

use flight::Flight;
use messages::Messages;

/// How many bytes of handshake messages are kept in one direction; further ones are skipped.
pub(crate) const KEPT_HANDSHAKE_BYTES: usize = 16 * 1024;

/// How many of the first bytes are kept, to name a peer that does not speak TLS.
pub(crate) const FIRST_BYTES: usize = 32;

/// How many handshake messages are noted in order; further ones are not. No lawful
/// plaintext flight has as many.
pub(crate) const NOTED_MESSAGES: usize = 12;

const HEADER: usize = 5;
/// RFC 5246 section 6.2.3: the longest body any version of TLS allows (2^14 + 2048).
const LONGEST_BODY: u16 = 16_384 + 2_048;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const HEARTBEAT: u8 = 24;

/// An alert that was sent in plaintext (RFC 8446 section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Alert {
    /// 1 is a warning, 2 is fatal; other values are kept as they were sent.
    pub(crate) level: u8,
    /// The reason; see `hello::alert_name`.
    pub(crate) description: u8,
}

impl Alert {
    /// Whether the alert ends the connection.
    pub(crate) fn is_fatal(self) -> bool {
        self.level == 2
    }
}

/// The evidence of one direction of a TLS connection, from the bytes that passed.
///
/// Holds at most [`KEPT_HANDSHAKE_BYTES`] of handshake (allocated: at most twice that) and
/// [`FIRST_BYTES`] besides itself, and after [`release`](Self::release) only itself: less than 100
/// bytes. Bytes that cannot be TLS records end the reading; they are only counted from there on. No
/// input makes it panic.
#[derive(Debug)]
pub(crate) struct RecordScanner {
    bytes: u64,
    kept: Option<Box<Kept>>,
    records: u32,
    alerts: u32,
    alert: Option<Alert>,
    header: [u8; HEADER],
    header_len: u8,
    body_left: u16,
    alert_level: u8,
    first_two: [u8; 2],
    change_cipher_spec: bool,
    application_data: bool,
    plaintext_handshake: bool,
    /// Whether every record so far was a handshake record and none was empty.
    only_handshake: bool,
    lost: bool,
    messages: Messages,
}

impl RecordScanner {
    /// A scanner that has seen nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            bytes: 0,
            kept: Some(Box::default()),
            records: 0,
            alerts: 0,
            alert: None,
            header: [0; HEADER],
            header_len: 0,
            body_left: 0,
            alert_level: 0,
            first_two: [0; 2],
            change_cipher_spec: false,
            application_data: false,
            plaintext_handshake: false,
            only_handshake: true,
            lost: false,
            messages: Messages::default(),
        }
    }

    /// Takes the next bytes of this direction, split anywhere.
    ///
    /// Bodies without evidence are skipped whole, so the cost is that of the record headers.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.note_first(bytes);
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        let mut rest = bytes;
        while !rest.is_empty() && !self.lost {
            rest = if self.body_left == 0 {
                self.feed_header(rest)
            } else {
                self.feed_body(rest)
            };
        }
    }

    /// Frees the first bytes and the hellos; counts, alerts and the order of messages stay.
    ///
    /// Alerts, records and bytes are still noticed afterwards. What is known of the handshake stands
    /// still, so that half a handshake is not taken for a resumed one.
    pub(crate) fn release(&mut self) {
        self.kept = None;
    }

    /// Bytes seen in all.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Record headers seen in all.
    #[cfg(test)]
    pub(crate) fn records(&self) -> u32 {
        self.records
    }

    /// The first bytes seen, at most [`FIRST_BYTES`]; empty after release.
    pub(crate) fn first_bytes(&self) -> &[u8] {
        self.kept.as_ref().map_or(&[], |kept| &kept.first)
    }

    /// Whether this direction began as a record of TLS does, with a known content and major version
    /// 3; `None` while too little was seen to tell.
    pub(crate) fn looks_like_tls(&self) -> Option<bool> {
        let [content, major] = self.first_two;
        let known = (CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(&content);
        match self.bytes {
            0 => None,
            1 if known => None,
            _ => Some(known && major == 3),
        }
    }

    /// The last fatal plaintext alert, or the last of any level when none was fatal.
    pub(crate) fn alert(&self) -> Option<Alert> {
        self.alert
    }

    /// Plaintext alerts seen in all.
    #[cfg(test)]
    pub(crate) fn alerts(&self) -> u32 {
        self.alerts
    }

    /// The types of the plaintext handshake messages in order, at most [`NOTED_MESSAGES`] (RFC 8446
    /// section 4).
    ///
    /// A HelloRetryRequest stands as 6, its own number before RFC 8446 made it a ServerHello. A
    /// second ClientHello behind a ChangeCipherSpec is not noted: in this direction alone it cannot
    /// be told from an encrypted Finished.
    pub(crate) fn messages(&self) -> &[u8] {
        self.messages.types()
    }

    /// Whether a message of this type has begun to come.
    pub(crate) fn has_begun(&self, message: u8) -> bool {
        self.messages().contains(&message)
    }

    /// Whether a message of this type is all there, or was before [`release`](Self::release).
    pub(crate) fn has_whole(&self, message: u8) -> bool {
        let amid_it = self.messages().last() == Some(&message)
            && self
                .kept
                .as_ref()
                .is_some_and(|kept| kept.flight.is_amid_a_message());
        self.has_begun(message) && !amid_it
    }

    /// Whether all that came is the beginning of one ClientHello that may become a lawful one, of at
    /// most [`KEPT_HANDSHAKE_BYTES`]. Then there is nothing to answer yet.
    pub(crate) fn is_amid_the_first_hello(&self) -> bool {
        let Some(kept) = &self.kept else { return false };
        let header_fits = self.header_len == 0 || self.header[0] == HANDSHAKE;
        let first_fits = self.first_two[0] == HANDSHAKE && self.looks_like_tls() != Some(false);
        self.only_handshake
            && !self.lost
            && header_fits
            && first_fits
            && kept.flight.may_become_a_hello(self.messages())
    }

    /// Whether a ChangeCipherSpec passed; in TLS 1.3 it means nothing (RFC 8446 appendix D.4).
    pub(crate) fn change_cipher_spec(&self) -> bool {
        self.change_cipher_spec
    }

    /// Whether an application_data record passed; in TLS 1.3 also the encrypted handshake is sent
    /// in those.
    pub(crate) fn application_data(&self) -> bool {
        self.application_data
    }

    /// The first ClientHello with its four bytes of header, as far as it came and is kept.
    pub(crate) fn client_hello(&self) -> Option<&[u8]> {
        self.kept.as_ref()?.flight.client_hello()
    }

    /// The last ServerHello (or HelloRetryRequest) with its four bytes of header, as far as it came
    /// and is kept.
    pub(crate) fn server_hello(&self) -> Option<&[u8]> {
        self.kept.as_ref()?.flight.server_hello()
    }

    /// The beginning of the ServerKeyExchange with its four bytes of header: enough to name the
    /// curve.
    pub(crate) fn server_key_exchange(&self) -> Option<&[u8]> {
        self.kept.as_ref()?.flight.server_key_exchange()
    }

    fn note_first(&mut self, bytes: &[u8]) {
        // At two bytes or more every slot is filled, and `skip` leaves nothing to do.
        let filled = usize::try_from(self.bytes).unwrap_or(usize::MAX);
        for (slot, byte) in self.first_two.iter_mut().skip(filled).zip(bytes) {
            *slot = *byte;
        }
        if let Some(kept) = &mut self.kept {
            let room = FIRST_BYTES - kept.first.len();
            kept.first.extend(bytes.iter().take(room));
        }
    }

    fn feed_header<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let filled = usize::from(self.header_len);
        let (taken, rest) = bytes.split_at(bytes.len().min(HEADER - filled));
        self.header[filled..filled + taken.len()].copy_from_slice(taken);
        // Both are at most HEADER, which is 5.
        self.header_len += taken.len() as u8;
        if usize::from(self.header_len) == HEADER {
            self.header_len = 0;
            self.begin_record();
        }
        rest
    }

    fn begin_record(&mut self) {
        let [content, major, ..] = self.header;
        let length = self.record_length();
        if !(CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(&content)
            || major != 3
            || length > LONGEST_BODY
        {
            self.lost = true;
            return;
        }
        self.records = self.records.saturating_add(1);
        self.only_handshake &= content == HANDSHAKE && length > 0;
        self.body_left = length;
        if self.kept.is_some() {
            self.change_cipher_spec |= content == CHANGE_CIPHER_SPEC;
            self.application_data |= content == APPLICATION_DATA;
        }
        self.plaintext_handshake = self.is_plaintext_handshake();
    }

    fn feed_body<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (body, rest) = bytes.split_at(bytes.len().min(usize::from(self.body_left)));
        match self.header[0] {
            // Encrypted alerts are longer, in every version; a plaintext one is two bytes even late
            // in TLS 1.3.
            ALERT if self.record_length() == 2 => self.feed_alert(body),
            HANDSHAKE if self.plaintext_handshake => self.feed_handshake(body),
            _ => {}
        }
        // `body` is at most `body_left` long.
        self.body_left -= body.len() as u16;
        rest
    }

    fn feed_alert(&mut self, body: &[u8]) {
        for (left, byte) in (1..=self.body_left).rev().zip(body) {
            if left == 2 {
                self.alert_level = *byte;
                continue;
            }
            let alert = Alert {
                level: self.alert_level,
                description: *byte,
            };
            self.alerts = self.alerts.saturating_add(1);
            if alert.is_fatal() || !self.alert.is_some_and(Alert::is_fatal) {
                self.alert = Some(alert);
            }
        }
    }

    fn is_plaintext_handshake(&self) -> bool {
        let Some(kept) = &self.kept else { return false };
        // RFC 8446 appendix D.4: behind a HelloRetryRequest the ChangeCipherSpec comes before the
        // plaintext ServerHello.
        let retrying = self.messages.ends_in_retry()
            || (self.messages.has_retry() && kept.flight.is_amid_a_message());
        self.header[0] == HANDSHAKE
            && !self.application_data
            && (!self.change_cipher_spec || retrying)
    }

    fn feed_handshake(&mut self, body: &[u8]) {
        if let Some(kept) = &mut self.kept {
            kept.flight.feed(body, &mut self.messages);
        }
    }

    fn record_length(&self) -> u16 {
        u16::from_be_bytes([self.header[3], self.header[4]])
    }
}

#[derive(Debug, Default)]
struct Kept {
    first: Vec<u8>,
    flight: Flight,
}
