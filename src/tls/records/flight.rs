//! Puts plaintext handshake messages together again from the records that carried them (RFC 8446
//! section 5.1).

use tls_parser::TlsHandshakeType;

use super::{KEPT_HANDSHAKE_BYTES, messages::Messages};

const HEADER: usize = 4;
/// RFC 8422 section 5.4: a curve type and a named curve begin the ServerKeyExchange.
const KEY_EXCHANGE_START: usize = HEADER + 3;
/// RFC 8446 section 4.1.3: the ServerHello with this random is a HelloRetryRequest. SHA-256 of
/// "HelloRetryRequest".
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// The plaintext handshake messages of one direction.
#[derive(Debug, Default)]
pub(super) struct Flight {
    header: [u8; HEADER],
    header_len: u8,
    body_left: u32,
    keeping: Keeping,
    client_hello: Vec<u8>,
    server_hello: Vec<u8>,
    server_key_exchange: Vec<u8>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Keeping {
    #[default]
    Nothing,
    ClientHello,
    ServerHello,
    ServerKeyExchange,
}

impl Flight {
    /// Takes the next bytes of plaintext handshake and notes each message as its header is
    /// complete.
    pub(super) fn feed(&mut self, bytes: &[u8], messages: &mut Messages) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = if self.body_left == 0 {
                self.feed_header(rest, messages)
            } else {
                self.feed_body(rest, messages)
            };
        }
    }

    /// Whether a message has begun that is not all there.
    pub(super) fn is_amid_a_message(&self) -> bool {
        self.header_len > 0 || self.body_left > 0
    }

    /// Whether the only message so far is a ClientHello that is not all there and not too long.
    pub(super) fn may_become_a_hello(&self, messages: &[u8]) -> bool {
        let client_hello = TlsHandshakeType::ClientHello.into();
        match messages {
            [] => self.header_len == 0 || self.header[0] == client_hello,
            [only] => {
                let [_, high, middle, low] = self.header;
                let declared = u32::from_be_bytes([0, high, middle, low]) as usize;
                *only == client_hello
                    && self.header_len == 0
                    && self.body_left > 0
                    && declared <= KEPT_HANDSHAKE_BYTES
            }
            _ => false,
        }
    }

    pub(super) fn client_hello(&self) -> Option<&[u8]> {
        some_unless_empty(&self.client_hello)
    }

    pub(super) fn server_hello(&self) -> Option<&[u8]> {
        some_unless_empty(&self.server_hello)
    }

    pub(super) fn server_key_exchange(&self) -> Option<&[u8]> {
        some_unless_empty(&self.server_key_exchange)
    }

    #[cfg(test)]
    pub(super) fn allocated(&self) -> usize {
        self.client_hello.capacity()
            + self.server_hello.capacity()
            + self.server_key_exchange.capacity()
    }

    fn feed_header<'a>(&mut self, bytes: &'a [u8], messages: &mut Messages) -> &'a [u8] {
        let filled = usize::from(self.header_len);
        let (taken, rest) = bytes.split_at(bytes.len().min(HEADER - filled));
        self.header[filled..filled + taken.len()].copy_from_slice(taken);
        // Both are at most HEADER, which is 4.
        self.header_len += taken.len() as u8;
        if usize::from(self.header_len) == HEADER {
            self.header_len = 0;
            self.begin_message(messages);
        }
        rest
    }

    fn begin_message(&mut self, messages: &mut Messages) {
        let [kind, high, middle, low] = self.header;
        messages.note(kind);
        self.body_left = u32::from_be_bytes([0, high, middle, low]);
        self.keeping = match TlsHandshakeType(kind) {
            TlsHandshakeType::ClientHello if self.client_hello.is_empty() => Keeping::ClientHello,
            TlsHandshakeType::ServerHello => {
                self.server_hello = Vec::new();
                Keeping::ServerHello
            }
            TlsHandshakeType::ServerKeyExchange if self.server_key_exchange.is_empty() => {
                Keeping::ServerKeyExchange
            }
            _ => Keeping::Nothing,
        };
        self.keep(&self.header.clone());
    }

    fn feed_body<'a>(&mut self, bytes: &'a [u8], messages: &mut Messages) -> &'a [u8] {
        let left = usize::try_from(self.body_left).unwrap_or(usize::MAX);
        let (body, rest) = bytes.split_at(bytes.len().min(left));
        self.keep(body);
        // `body` is at most `body_left` long.
        self.body_left -= body.len() as u32;
        if self.keeping == Keeping::ServerHello
            && self.server_hello.get(6..38) == Some(&RETRY_RANDOM)
        {
            messages.last_was_a_retry();
        }
        rest
    }

    fn keep(&mut self, bytes: &[u8]) {
        let held =
            self.client_hello.len() + self.server_hello.len() + self.server_key_exchange.len();
        let room = KEPT_HANDSHAKE_BYTES.saturating_sub(held);
        let (message, room) = match self.keeping {
            Keeping::Nothing => return,
            Keeping::ClientHello => (&mut self.client_hello, room),
            Keeping::ServerHello => (&mut self.server_hello, room),
            Keeping::ServerKeyExchange => {
                let start_left = KEY_EXCHANGE_START.saturating_sub(self.server_key_exchange.len());
                (&mut self.server_key_exchange, room.min(start_left))
            }
        };
        message.extend(bytes.iter().take(room));
    }
}

fn some_unless_empty(message: &[u8]) -> Option<&[u8]> {
    (!message.is_empty()).then_some(message)
}
