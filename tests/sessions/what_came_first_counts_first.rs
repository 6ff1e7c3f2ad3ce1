//! Over TCP: what a peer has sent, or that it has gone, is known before anything is decided about it.

use async_std::task::block_on;
use rustls::{ClientConnection, ServerName};
use sipward::sip::Message;
use sipward::testing::ManualClock;
use sipward::{CloseCause, Deadlines, Discard, Flow, HandshakeCause, Ready, SipSession};
use sipward_tests::peer::{Gate, Hosting, bed_with, closed, failed, request, until};
use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

#[test]
fn a_client_that_left_after_its_hello_has_rejected_nothing() {
    block_on(async {
        let bed = bed_with(Discard, |builder| builder).await;
        assert_eq!(bed.handle.pause(None).await, Ok(1));
        let name = ServerName::try_from("localhost").unwrap();
        let mut tls = ClientConnection::new(bed.authority.client(), name).unwrap();
        let mut hello = Vec::new();
        tls.write_tls(&mut hello).unwrap();
        // All of it waits in the kernel's backlog before anybody looks.
        let mut client = bed.tcp();
        client.write_all(&hello).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        in_socket(&client, |socket| socket.ended).await;
        assert_eq!(bed.handle.resume(None).await, Ok(1));
        // Not that it left after it saw our certificate.
        let failure = failed(&bed.events).await;
        assert_eq!(failure.failure.cause, HandshakeCause::PeerClosed);
    });
}

/// How a handler waits at the gate.
#[derive(Clone, Copy)]
enum Waits {
    Pending,
    BlockingItsThread,
}

struct Late {
    flow: Flow,
    gate: Gate,
    waits: Waits,
}

impl SipSession for Late {
    async fn message(&mut self, message: Message) {
        match self.waits {
            Waits::Pending => self.gate.pass().await,
            Waits::BlockingItsThread => self.gate.block(),
        }
        let _ = self.flow.send(message.into_bytes());
    }
}

/// A second message comes while the handler of the first runs for longer than the idle deadline.
fn the_second_message_is_handled(waits: Waits) {
    block_on(async {
        let gate = Gate::default();
        let theirs = gate.clone();
        let clock = ManualClock::new();
        let mut deadlines = Deadlines::default();
        deadlines.idle = Duration::from_secs(30);
        let application = Hosting(move |_: &Ready, flow| Late {
            flow,
            gate: theirs.clone(),
            waits,
        });
        let bed = bed_with(application, |builder| {
            builder.clock(clock.clone()).deadlines(deadlines)
        })
        .await;
        let mut phone = bed.phone();
        phone.send(request("FIRST", ""));
        gate.begun(1).await;
        phone.send(request("SECOND", ""));
        in_socket(&phone.stream.sock, |socket| socket.unread > 0).await;
        clock.advance(Duration::from_secs(31));
        gate.open();
        phone.expect(request("FIRST", ""));
        phone.expect(request("SECOND", ""));
        // And silence is found when there is some.
        clock.advance(Duration::from_secs(31));
        assert_eq!(phone.rest(), (Vec::new(), true));
        drop(phone);
        let end = closed(&bed.events).await;
        assert_eq!(
            (end.cause.clone(), end.stats.messages_in),
            (CloseCause::IdleTimeout, 2)
        );
    });
}

#[test]
fn a_message_that_came_while_a_handler_ran_is_heard_before_silence_is_found() {
    the_second_message_is_handled(Waits::Pending);
}

#[test]
fn a_message_that_came_while_a_handler_blocked_its_thread_is_heard_before_silence_is_found() {
    the_second_message_is_handled(Waits::BlockingItsThread);
}

/// The server's socket, as the kernel sees it.
struct Socket {
    unread: u64,
    /// The peer's end of stream has come.
    ended: bool,
}

/// Waits until it is so in the server's socket: what a client has written may still be on its way.
async fn in_socket(client: &TcpStream, so: impl Fn(&Socket) -> bool) {
    let hex = |address: SocketAddr| format!("0100007F:{:04X}", address.port());
    let client_address = hex(client.local_addr().unwrap());
    let server_address = hex(client.peer_addr().unwrap());
    until(|| {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        // Number, local address, remote address, state, bytes to send ":" bytes to read.
        let mut sockets = table.lines().map(|line| line.split_whitespace().skip(1));
        let socket = sockets.find_map(|mut fields| {
            let (local, remote) = (fields.next()?, fields.next()?);
            if (local, remote) != (&server_address, &client_address) {
                return None;
            }
            let ended = fields.next()? == "08";
            let unread = fields.next()?.split_once(':')?.1;
            let unread = u64::from_str_radix(unread, 16).ok()?;
            Some(Socket { unread, ended })
        });
        socket.is_some_and(|socket| so(&socket))
    })
    .await;
}
