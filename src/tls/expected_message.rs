//! Which message a handshake waits for, derived from the records of both directions (RFC 8446 §2, RFC
//! 5246 §7.3).

use super::records::RecordScanner;
use crate::connection::{Direction, ExpectedMessage};

/// The content type of a handshake record.
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const HELLO_RETRY_REQUEST: u8 = 6;
const CERTIFICATE: u8 = 11;
const SERVER_HELLO_DONE: u8 = 14;
const CERTIFICATE_VERIFY: u8 = 15;
const CLIENT_KEY_EXCHANGE: u8 = 16;
const TLS13: u16 = 0x0304;

/// Facts besides the records themselves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    pub(super) direction: Direction,
    /// The version the ServerHello chose, once all of it has passed.
    pub(super) version: Option<u16>,
    pub(super) resumed: bool,
    /// Whether the client is asked for a certificate.
    pub(super) authentication: bool,
    /// Whether the client has presented a certificate.
    pub(super) presented: bool,
    /// Whether some of our bytes have not been sent yet.
    pub(super) unsent: bool,
}

pub(super) fn expected_message(
    read: &RecordScanner,
    written: &RecordScanner,
    progress: Progress,
) -> ExpectedMessage {
    if progress.unsent {
        return ExpectedMessage::PeerToRead;
    }
    match progress.direction {
        Direction::Inbound => of_the_client(read, written, progress),
        Direction::Outbound => of_the_server(read, progress),
    }
}

fn of_the_client(
    read: &RecordScanner,
    written: &RecordScanner,
    progress: Progress,
) -> ExpectedMessage {
    if !written.messages().contains(&SERVER_HELLO) {
        if written.messages().contains(&HELLO_RETRY_REQUEST) {
            return ExpectedMessage::SecondClientHello;
        }
        let begun = read.first_bytes().first() == Some(&HANDSHAKE) || read.has_begun(CLIENT_HELLO);
        return if begun {
            ExpectedMessage::RestOfClientHello
        } else {
            ExpectedMessage::ClientHello
        };
    }
    if progress.version == Some(TLS13) {
        return if progress.authentication && !progress.presented && !progress.resumed {
            ExpectedMessage::ClientCertificate
        } else {
            ExpectedMessage::ClientFinished
        };
    }
    let expected = [
        (
            progress.authentication,
            CERTIFICATE,
            ExpectedMessage::ClientCertificate,
        ),
        (
            true,
            CLIENT_KEY_EXCHANGE,
            ExpectedMessage::ClientKeyExchange,
        ),
        (
            progress.presented,
            CERTIFICATE_VERIFY,
            ExpectedMessage::ClientCertificateVerify,
        ),
    ];
    expected
        .into_iter()
        .filter(|(due, ..)| *due && !progress.resumed)
        .find(|(_, message, _)| !read.has_whole(*message))
        .map_or(
            ExpectedMessage::ClientFinished,
            |(_, _, expected_message)| expected_message,
        )
}

fn of_the_server(read: &RecordScanner, progress: Progress) -> ExpectedMessage {
    match progress.version {
        None if read.has_begun(SERVER_HELLO) => ExpectedMessage::RestOfServerHello,
        None => ExpectedMessage::ServerHello,
        Some(TLS13) => ExpectedMessage::RestOfServerFlight,
        Some(_) if progress.resumed || read.has_whole(SERVER_HELLO_DONE) => {
            ExpectedMessage::ServerFinished
        }
        Some(_) => ExpectedMessage::RestOfServerFlight,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TLS12: Option<u16> = Some(0x0303);

    /// The message that a client waits for after it has read these records.
    fn of_a_server(
        read: &[u8],
        version: Option<u16>,
        resumed: bool,
        unsent: bool,
    ) -> ExpectedMessage {
        let mut scanner = RecordScanner::new();
        scanner.feed(read);
        let progress = Progress {
            direction: Direction::Outbound,
            version,
            resumed,
            authentication: false,
            presented: false,
            unsent,
        };
        expected_message(&scanner, &RecordScanner::new(), progress)
    }

    #[test]
    fn a_client_waits_for_the_hello_then_the_flight_then_the_finished_of_its_server() {
        let hello = [22, 3, 3, 0, 5, 2, 0, 0, 1, 0];
        let done = [&hello[..], &[22, 3, 3, 0, 4, 14, 0, 0, 0]].concat();
        let rows = [
            (
                of_a_server(&[], None, false, true),
                ExpectedMessage::PeerToRead,
            ),
            (
                of_a_server(&[], None, false, false),
                ExpectedMessage::ServerHello,
            ),
            (
                of_a_server(&hello[..9], None, false, false),
                ExpectedMessage::RestOfServerHello,
            ),
            (
                of_a_server(&hello, Some(TLS13), false, false),
                ExpectedMessage::RestOfServerFlight,
            ),
            (
                of_a_server(&hello, TLS12, false, false),
                ExpectedMessage::RestOfServerFlight,
            ),
            (
                of_a_server(&done, TLS12, false, false),
                ExpectedMessage::ServerFinished,
            ),
            (
                of_a_server(&hello, TLS12, true, false),
                ExpectedMessage::ServerFinished,
            ),
        ];
        for (seen, expected) in rows {
            assert_eq!(seen, expected);
        }
    }
}
