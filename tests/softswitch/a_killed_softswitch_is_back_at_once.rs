//! Promise: a softswitch killed under load listens again within a second of its restart on the same
//! port, and a hundred phones are registered again within ten.

use rustls::ClientConfig;
use sipward_tests::peer::{Phone, TEST_TIMEOUT};
use sipward_tests::real::switch::Softswitch;
use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

const PHONES: usize = 100;

/// A phone that finds nobody tries again after this time, then after twice as long, and so on.
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(2);

/// From an answer to the next request of a phone.
const PAUSE: Duration = Duration::from_millis(50);

struct World {
    address: SocketAddr,
    config: Arc<ClientConfig>,
    over: AtomicBool,
    answers: Sender<()>,
}

impl World {
    /// A phone's life: whenever its connection ends it comes back, as long as that takes.
    fn phone(&self, number: usize) {
        let mut retry = FIRST_RETRY;
        while !self.over.load(Ordering::SeqCst) {
            match self.talk(number, &mut retry) {
                Ok(()) => return,
                Err(_) => thread::sleep(retry),
            }
            retry = (retry * 2).min(LAST_RETRY);
        }
    }

    /// Registers and asks, until all is over or the connection ends.
    fn talk(&self, number: usize, retry: &mut Duration) -> io::Result<()> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(TEST_TIMEOUT))?;
        let mut phone = Phone::over(stream, Arc::clone(&self.config))?;
        for cseq in 1.. {
            let method = if cseq == 1 { "REGISTER" } else { "OPTIONS" };
            phone
                .stream
                .write_all(message(method, number, cseq).as_bytes())?;
            answered(&mut phone)?;
            *retry = FIRST_RETRY;
            // Nobody counts any more once it was killed.
            let _ = self.answers.send(());
            if self.over.load(Ordering::SeqCst) {
                break;
            }
            thread::sleep(PAUSE);
        }
        phone.hang_up();
        Ok(())
    }
}

fn message(method: &str, number: usize, cseq: u32) -> String {
    let contact = match method {
        "REGISTER" => format!("Contact: <sip:phone{number}@192.0.2.9:5061;transport=tls>\r\n"),
        _ => String::new(),
    };
    format!(
        "{method} sip:127.0.0.1 SIP/2.0\r\n\
         Via: SIP/2.0/TLS 192.0.2.9:5061;branch=z9hG4bK{number}{cseq}\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:phone{number}@127.0.0.1>;tag={number}\r\n\
         To: <sip:phone{number}@127.0.0.1>\r\n\
         Call-ID: of-{number}\r\n\
         CSeq: {cseq} {method}\r\n\
         {contact}Content-Length: 0\r\n\r\n"
    )
}

/// A whole answer, which must be 200.
fn answered(phone: &mut Phone) -> io::Result<()> {
    let mut heard = Vec::new();
    let mut byte = [0];
    while !heard.ends_with(b"\r\n\r\n") {
        phone.stream.read_exact(&mut byte)?;
        heard.push(byte[0]);
    }
    let heard = String::from_utf8(heard).unwrap();
    assert!(heard.starts_with("SIP/2.0 200"), "{heard}");
    Ok(())
}

fn everybody_registers(switch: &Softswitch) {
    for count in PHONES.. {
        let registered = switch.events.wait_for(count, "registered");
        let users: BTreeSet<&str> = registered.iter().map(|line| line.text("user")).collect();
        if users.len() == PHONES {
            return;
        }
    }
}

#[test]
fn phones_of_a_killed_softswitch_are_soon_registered_again() {
    let options = ["--no-auth"];
    let switch = Softswitch::start(&options);
    let (answers, load) = channel();
    let world = Arc::new(World {
        address: switch.address,
        config: switch.trusting(),
        over: AtomicBool::new(false),
        answers,
    });
    let phones: Vec<_> = (0..PHONES)
        .map(|number| {
            let world = Arc::clone(&world);
            thread::spawn(move || world.phone(number))
        })
        .collect();
    everybody_registers(&switch);
    for _ in 0..PHONES * 10 {
        load.recv_timeout(TEST_TIMEOUT).unwrap();
    }

    let killed = Instant::now();
    let switch = switch.dies_and_rises(&options);
    let listening = killed.elapsed();
    everybody_registers(&switch);
    let registered = killed.elapsed();
    println!("listens after {listening:?}, all are registered after {registered:?}");

    world.over.store(true, Ordering::SeqCst);
    for phone in phones {
        phone.join().unwrap();
    }
    assert!(
        listening <= Duration::from_secs(1),
        "listens after {listening:?}"
    );
    assert!(
        registered <= Duration::from_secs(10),
        "all are registered after {registered:?}"
    );
    switch.stop();
}
