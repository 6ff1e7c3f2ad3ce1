//! What a message through an established session costs: counted allocations and bytes of them, the
//! same whatever came before, and nobody else is woken. The session is polled by hand, so that what
//! is counted is its own.

use allocation_counter::AllocationInfo;
use bytes::Bytes;
use futures_lite::{AsyncRead, AsyncWrite};
use rustls::{ClientConnection, ServerName};
use sipward::bench::Alone;
use sipward::sip::Message;
use sipward::testing::MemoryStream;
use sipward::{Flow, Ready, SipSession};
use sipward_tests::peer::{Authority, Hosting, request};
use sipward_tests::process::alone;
use std::io::{Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

const ANSWER: &[u8] = b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n";

/// Allocations of a message of at most one read (4 KiB) and its answer:
///
/// | what | how many |
/// |---|---|
/// | TLS takes the record out of what it has read, to decrypt it in place | 1 |
/// | the buffer that the message is read into and stays in | 1 |
/// | the share count of that buffer | 1 |
/// | the places of its header fields, up to 16 | 1 |
/// | TLS encrypts the answer, and puts it into a record (which grows once) | 3 |
/// | the tap gathers what is to be sent | 1 |
const ALLOCATIONS: u64 = 8;

/// Of a longer one, with a body of so many bytes: the message gets a buffer of its own size; the rest
/// is TLS's, which puts records together and takes each of them (16 KiB) out.
const LONGER: [(usize, u64); 3] = [(5_000, 11), (20_000, 16), (60_000, 26)];

/// Answers every message with the same 200.
struct Answering(Flow);

impl SipSession for Answering {
    async fn message(&mut self, _: Message) {
        self.0.send(Bytes::from_static(ANSWER)).unwrap();
    }
}

/// A session and its client, who has shaken hands.
struct Call {
    session: Alone,
    tls: ClientConnection,
    wire: MemoryStream,
}

impl Call {
    fn begin() -> Self {
        let authority = Authority::new();
        let answering = Hosting(|_: &Ready, flow| Answering(flow));
        let (session, wire) = Alone::new(&authority.policy(), answering);
        let name = ServerName::try_from("localhost").unwrap();
        let tls = ClientConnection::new(authority.client(), name).unwrap();
        let mut call = Self { session, tls, wire };
        while call.tls.is_handshaking() {
            call.say();
            assert!(!call.session.poll());
            call.listen();
        }
        call.say();
        assert!(!call.session.poll());
        call.listen();
        call
    }

    fn say(&mut self) {
        let mut flight = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut flight).unwrap();
        }
        let mut cx = Context::from_waker(Waker::noop());
        let mut unsent = flight.as_slice();
        while !unsent.is_empty() {
            match Pin::new(&mut self.wire).poll_write(&mut cx, unsent) {
                Poll::Ready(count) => unsent = &unsent[count.unwrap()..],
                Poll::Pending => panic!("there is room for it"),
            }
        }
    }

    fn listen(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        let mut bytes = [0; 4096];
        while let Poll::Ready(count) = Pin::new(&mut self.wire).poll_read(&mut cx, &mut bytes) {
            let mut unread = &bytes[..count.unwrap()];
            assert!(!unread.is_empty(), "it ended");
            while !unread.is_empty() {
                self.tls.read_tls(&mut unread).unwrap();
                self.tls.process_new_packets().unwrap();
            }
        }
    }

    /// What the session allocates for a request with a body of so many bytes, and its answer.
    fn ask(&mut self, body: usize) -> AllocationInfo {
        let request = request("OPTIONS", &"x".repeat(body));
        self.tls.writer().write_all(request.as_bytes()).unwrap();
        self.say();
        let cost = allocation_counter::measure(|| assert!(!self.session.poll()));
        self.listen();
        let mut answer = Vec::new();
        let end = self.tls.reader().read_to_end(&mut answer);
        assert!(end.is_err(), "the session goes on");
        assert_eq!(answer, ANSWER);
        cost
    }
}

#[test]
fn a_message_costs_the_same_number_of_allocations_whatever_its_size_and_whatever_came_before() {
    alone(|| {
        let mut call = Call::begin();
        // What is kept for good is allocated by the first.
        call.ask(0);
        for body in [0, 1, 100, 1000, 3000] {
            for _ in 0..200 {
                assert_eq!(call.ask(body).count_total, ALLOCATIONS, "{body} bytes");
            }
        }
    });
}

#[test]
fn a_longer_message_costs_what_its_records_cost() {
    alone(|| {
        let mut call = Call::begin();
        call.ask(60_000);
        for (body, most) in LONGER {
            for _ in 0..20 {
                let allocations = call.ask(body).count_total;
                assert!(allocations <= most, "{body} bytes: {allocations}");
            }
        }
    });
}

#[test]
fn a_message_leaves_nothing_behind() {
    alone(|| {
        let mut call = Call::begin();
        call.ask(0);
        for body in [0, 3000, 60_000] {
            for _ in 0..20 {
                assert_eq!(call.ask(body).bytes_current, 0, "{body} bytes");
            }
        }
    });
}

#[test]
fn a_message_is_copied_once_after_it_was_decrypted() {
    alone(|| {
        let mut call = Call::begin();
        call.ask(3000);
        let [short, long] = [1000, 3000].map(|body| call.ask(body).bytes_total);
        // Each byte more lies in one allocation more, the record that TLS decrypts in place. The buffer
        // it is copied to is of one size, and what the handler gets is part of it: a further copy would
        // need room as well.
        assert_eq!(long - short, 2000);
    });
}

#[test]
fn a_message_wakes_nobody_and_tells_the_supervisor_nothing() {
    alone(|| {
        let mut call = Call::begin();
        call.ask(0);
        let (reports, wakes) = (call.session.reports(), call.session.wakes());
        for _ in 0..200 {
            call.ask(100);
        }
        assert_eq!(call.session.reports(), reports);
        // Each of the peer's writes woke the session, and nothing else did.
        assert_eq!(call.session.wakes(), wakes + 200);
    });
}
