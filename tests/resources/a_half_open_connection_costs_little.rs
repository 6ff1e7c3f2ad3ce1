//! 4 KiB for a peer that says nothing, or never finishes its hello; and a bound on what the most
//! wasteful one can make us hold. Alone in its file: it measures the process.
#![cfg(target_os = "linux")]

use async_std::task::{block_on, sleep};
use futures_lite::AsyncWriteExt;
use sipward::testing::{Dialler, MemoryStream};
use sipward::{AdmissionLimits, Handle, Supervisor};
use sipward_tests::hello;
use sipward_tests::hello::{Hello, numbers, vector};
use sipward_tests::peer::Authority;
use sipward_tests::process::alone;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Small enough for the buffers of the connection in memory not to count.
const PIECE: usize = 512;

struct Siege {
    handle: Handle,
    dialler: Dialler,
    peers: Vec<MemoryStream>,
}

impl Siege {
    async fn lay() -> Self {
        let mut limits = AdmissionLimits::default();
        limits.handshakes = 100_000;
        limits.connections = 100_000;
        let (builder, dialler) = Supervisor::builder(Authority::new().policy()).listen_in_memory();
        let builder = builder.without_log().limits(limits);
        Self {
            handle: builder.start().await.unwrap(),
            dialler,
            peers: Vec::with_capacity(20_000),
        }
    }

    /// Bytes of memory for each of so many more peers that say this and then nothing.
    async fn cost(&mut self, peers: usize, words: &[u8]) -> usize {
        let before = resident();
        let first = self.peers.len();
        for number in first..first + peers {
            let source = Ipv4Addr::from_bits(0x0a00_0000 + number as u32);
            let address = SocketAddr::from((source, 5061));
            self.peers.push(self.dialler.connect(address));
        }
        for piece in words.chunks(PIECE) {
            for peer in &mut self.peers[first..] {
                peer.write_all(piece).await.unwrap();
            }
            self.heard().await;
        }
        self.heard().await;
        let each = resident().saturating_sub(before) / peers;
        println!("{each} bytes each after {} bytes", words.len());
        each
    }

    /// Until everything that was said has been read.
    async fn heard(&self) {
        while self.handle.snapshot().await.unwrap().inbound.handshaking < self.peers.len() as u64
            || self.peers.iter().any(|peer| peer.unread() > 0)
        {
            sleep(Duration::from_millis(1)).await;
        }
    }
}

#[test]
fn what_a_peer_can_make_us_hold_is_bounded() {
    alone(|| {
        block_on(async {
            let mut siege = Siege::lay().await;
            // The first crowd pays for what all share.
            siege.cost(4000, &[]).await;
            assert!(siege.cost(4000, &[]).await <= 4 * 1024);
            let hello = Hello::with_key().record();
            assert!(siege.cost(4000, &hello[..hello.len() - 1]).await <= 4 * 1024);
            assert!(siege.cost(400, &hello).await <= 20 * 1024);

            // Almost the longest hello that is waited for.
            let mut endless = vec![22, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc];
            endless.resize(16_000, 7);
            assert!(siege.cost(200, &endless).await <= 72 * 1024);
            // Behind a whole hello of TLS 1.2, almost the longest message TLS puts together.
            let mut modern = Hello::old(0x0303).with(hello::SIGNATURES, numbers(&[0x0403]));
            modern.suites = vec![0xc02b];
            let mut wasteful = modern.record();
            let mut message = vec![16, 0, 0xff, 0xf0];
            message.resize(60_000, 7);
            for fragment in message.chunks(16_000) {
                wasteful.extend([22, 3, 3]);
                wasteful.extend(vector(fragment.to_vec()));
            }
            assert!(siege.cost(200, &wasteful).await <= 80 * 1024);
        });
    });
}

/// Bytes of memory in use, the ends of the peers included.
fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages = statm.split_whitespace().nth(1).unwrap();
    pages.parse::<usize>().unwrap() * 4096
}
