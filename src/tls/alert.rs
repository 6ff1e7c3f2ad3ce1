//! An alert that is sent to the peer in clear, where the TLS library would send another one or lose it.
//!
//! Under TLS 1.3 the library queues its ServerHello before it finds that nothing fits, and then
//! encrypts the alert; only the ServerHello would be sent. As long as no byte has been sent, the peer
//! can read an alert in clear, so the queue is replaced by one (RFC 8446 §6).

use super::hello::ClientHello;
use crate::cause::{AlertSent, HandshakeCause};

const FATAL: u8 = 2;
const ALERT: u8 = 21;

const MISSING_EXTENSION: u8 = 109;

const SSL3: u16 = 0x0300;
const TLS12: u16 = 0x0303;
const TLS13: u16 = 0x0304;

/// An alert record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlainAlertRecord {
    pub(super) code: u8,
    /// The record's version.
    version: u16,
}

impl PlainAlertRecord {
    /// The alert for a client about this cause; `None` where the library's own alert is right, or where
    /// none is sent.
    pub(super) fn about(cause: &HandshakeCause, client: Option<&ClientHello>) -> Option<Self> {
        let AlertSent::InClear(code) = cause.alert() else {
            return None;
        };
        // RFC 8446 §9.2: a hello of TLS 1.3 that lacks the extension for the name gets another alert.
        let lacks_name = client
            .is_some_and(|hello| hello.server_name.is_none() && hello.versions.contains(&TLS13));
        let code = if lacks_name && *cause == HandshakeCause::UnknownServerName {
            MISSING_EXTENSION
        } else {
            code
        };
        Some(Self {
            code,
            version: client.map_or(TLS12, |hello| hello.legacy_version.clamp(SSL3, TLS12)),
        })
    }

    /// Sets the record's version to the one that the client's first record had.
    pub(super) fn in_version(self, version: u16) -> Self {
        Self {
            version: version.clamp(SSL3, TLS12),
            ..self
        }
    }

    /// The record. It has the version of the client's first record, because old clients do not read
    /// another version.
    pub(super) fn record(self) -> [u8; 7] {
        let [major, minor] = self.version.to_be_bytes();
        [ALERT, major, minor, 0, 2, FATAL, self.code]
    }
}
