//! Tests when the socket is read, and which task is woken.

use super::*;
use async_std::task::block_on;
use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

/// Our end of a connection, and the peer's.
fn connection() -> (Tcp, Tcp) {
    block_on(async {
        let listener = Async::new(TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
        let address = listener.get_ref().local_addr().unwrap();
        let peer = Tcp::dial(address).await.unwrap();
        let (ours, _) = listener.accept().await.unwrap();
        (Tcp::from(ours), peer)
    })
}

#[derive(Default)]
struct Called(AtomicBool);

impl Wake for Called {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn poll_once(stream: &mut Tcp, called: &Arc<Called>, room: &mut [u8]) -> Poll<io::Result<usize>> {
    let waker = Waker::from(Arc::clone(called));
    Pin::new(stream).poll_read(&mut Context::from_waker(&waker), room)
}

fn until_called(called: &Called) {
    while !called.0.load(Ordering::SeqCst) {
        std::thread::yield_now();
    }
}

#[test]
fn everything_arrives_whatever_the_room_it_is_read_into() {
    let (mut ours, mut peer) = connection();
    let sent: Vec<u8> = (0..100_000).map(|n| (n % 251) as u8).collect();
    let expected = sent.clone();
    block_on(async {
        let sending = async_std::task::spawn(async move {
            for piece in sent.chunks(777) {
                peer.write_all(piece).await.unwrap();
            }
        });
        let mut received = Vec::new();
        for room in [1, 2, 5, 1000, 4096].iter().cycle() {
            let mut buffer = vec![0; *room];
            let count = ours.read(&mut buffer).await.unwrap();
            if count == 0 {
                break;
            }
            received.extend_from_slice(&buffer[..count]);
        }
        assert!(received == expected);
        sending.await;
    });
}

#[test]
fn a_socket_that_a_read_has_emptied_is_not_read_again_before_the_reactor_reports_it() {
    let (mut ours, mut peer) = connection();
    let mut room = [0; 64];
    block_on(async {
        peer.write_all(b"one").await.unwrap();
        assert_eq!(ours.read(&mut room).await.unwrap(), 3);
        peer.write_all(b"two").await.unwrap();
    });
    // The byte is in the socket by now, but the reactor has not reported it.
    let called = Arc::<Called>::default();
    assert!(poll_once(&mut ours, &called, &mut room).is_pending());
    until_called(&called);
    let Poll::Ready(Ok(count)) = poll_once(&mut ours, &called, &mut room) else {
        panic!("woken for nothing");
    };
    assert_eq!(&room[..count], b"two");
}

#[test]
fn a_read_that_was_filled_is_followed_by_another_at_once() {
    let (mut ours, mut peer) = connection();
    let mut room = [0; 3];
    block_on(async {
        peer.write_all(b"onetwo").await.unwrap();
        assert_eq!(ours.read(&mut room).await.unwrap(), 3);
    });
    let called = Arc::<Called>::default();
    assert!(poll_once(&mut ours, &called, &mut room).is_ready());
    assert_eq!(&room, b"two");
}

#[test]
fn the_end_is_seen_after_a_read_that_emptied_the_socket() {
    let (mut ours, mut peer) = connection();
    let mut room = [0; 64];
    block_on(async {
        peer.write_all(b"last").await.unwrap();
        assert_eq!(ours.read(&mut room).await.unwrap(), 4);
        drop(peer);
        assert_eq!(ours.read(&mut room).await.unwrap(), 0);
    });
}

#[test]
fn the_task_that_polled_last_is_woken() {
    let (mut ours, mut peer) = connection();
    let mut room = [0; 64];
    let [first, last] = [(); 2].map(|()| Arc::<Called>::default());
    assert!(poll_once(&mut ours, &first, &mut room).is_pending());
    assert!(poll_once(&mut ours, &last, &mut room).is_pending());
    block_on(async { peer.write_all(b"news").await.unwrap() });
    until_called(&last);
    assert!(poll_once(&mut ours, &last, &mut room).is_ready());
}
