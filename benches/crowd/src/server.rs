//! The server: sipward with an application that answers every request at once, and a keyboard.

use crate::asked::Asked;
use async_std::io::BufReader;
use async_std::io::prelude::BufReadExt;
use async_std::task::{self, JoinHandle};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use sipward::control::SessionFilter;
use sipward::sip::Message;
use sipward::{
    AdmissionLimits, Application, Deadlines, Flow, Handle, Ready, SipSession, Stopped, Supervisor,
    TlsPolicy,
};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// From one page of sessions and one snapshot to the next, while it is asked constantly.
const PACE: Duration = Duration::from_millis(10);

/// The sessions of one page.
const PAGE: usize = 500;

/// No deadline ends an idle session here.
const NEVER: Duration = Duration::from_secs(24 * 3600);

struct Answerer;

struct Conversation(Flow);

impl Application for Answerer {
    type Session = Conversation;

    fn open(&self, _: &Ready, flow: Flow) -> Conversation {
        Conversation(flow)
    }
}

impl SipSession for Conversation {
    async fn message(&mut self, message: Message) {
        if message.is_request() {
            // Who takes no answers is not told.
            let _ = self.0.send(ok(&message));
        }
    }
}

/// 200 with the lines that make it an answer (RFC 3261 8.2.6.2).
fn ok(request: &Message) -> String {
    let head = str::from_utf8(request.head()).unwrap_or_default();
    let mut answer = "SIP/2.0 200 OK\r\n".to_owned();
    for line in head.lines().skip(1) {
        let name = line.split(':').next().unwrap_or_default();
        if ["Via", "From", "To", "Call-ID", "CSeq"].contains(&name) {
            answer += line;
            answer += "\r\n";
        }
    }
    answer + "Content-Length: 0\r\n\r\n"
}

/// Serves until standard input ends.
///
/// # Errors
/// When it cannot start, or ends before.
pub async fn serve() -> Result<(), Box<dyn Error>> {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let mut limits = AdmissionLimits::default();
    // As many as there are descriptors: it is measured where that ends.
    limits.connections = usize::MAX;
    limits.handshakes = 8192;
    limits.exempt = vec!["127.0.0.0/8".parse()?];
    let mut deadlines = Deadlines::default();
    deadlines.first_message = NEVER;
    deadlines.idle = NEVER;
    // The crowd has a listener of its own, so that each has a range of ports for its clients.
    let handle = Supervisor::builder(TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?)
        .listen("127.0.0.1:0")
        .listen("127.0.0.2:0")
        .limits(limits)
        .deadlines(deadlines)
        .application(Answerer)
        .start()
        .await?;
    say(&json!({"listeners": handle.listeners()}));
    let mut asking = None;
    let mut lines = BufReader::new(async_std::io::stdin());
    let mut line = String::new();
    while lines.read_line(&mut line).await? > 0 {
        let answer = match Asked::parse(&line) {
            None => json!({"error": "that is not known"}),
            Some(Asked::Snapshot) => snapshot(&handle).await?,
            Some(Asked::Listing) => listing(&handle, usize::MAX).await?,
            Some(Asked::Pages) => listing(&handle, PAGE).await?,
            Some(Asked::Constantly) => {
                asking = Some(Asking::begin(handle.clone()));
                json!({})
            }
            Some(Asked::Hush) => match asking.take() {
                Some(asking) => asking.end().await?,
                None => json!({"error": "nothing is asked"}),
            },
        };
        say(&answer);
        line.clear();
    }
    let report = handle.shutdown(Duration::ZERO).await;
    say(&json!({"balanced": report.inbound.balanced(), "panic": report.panic}));
    Ok(())
}

fn say(answer: &Value) {
    println!("{answer}");
}

async fn snapshot(handle: &Handle) -> Result<Value, Stopped> {
    let figures = handle.snapshot().await?;
    Ok(json!({"open": figures.inbound.open, "balanced": figures.inbound.balanced()}))
}

/// All sessions in pages of this size.
async fn listing(handle: &Handle, limit: usize) -> Result<Value, Stopped> {
    let (begun, cpu) = (Instant::now(), cpu());
    let (mut sessions, mut pages, mut after) = (0, 0, None);
    loop {
        let page = handle
            .sessions(SessionFilter::default(), after, limit)
            .await?;
        sessions += page.sessions.len();
        pages += 1;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(json!({
        "sessions": sessions,
        "pages": pages,
        "wall_us": begun.elapsed().as_micros() as u64,
        "cpu_us": (self::cpu() - cpu).as_micros() as u64,
    }))
}

/// CPU time of this process.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Somebody who wants to know all the time.
struct Asking {
    over: Arc<AtomicBool>,
    task: JoinHandle<Result<Value, Stopped>>,
}

impl Asking {
    fn begin(handle: Handle) -> Self {
        let over = Arc::<AtomicBool>::default();
        let told = Arc::clone(&over);
        let task = task::spawn(async move {
            let (mut listings, mut pages, mut after) = (0, 0, None);
            while !told.load(Ordering::Relaxed) {
                handle.snapshot().await?;
                let page = handle.sessions(SessionFilter::default(), after, PAGE);
                after = page.await?.next;
                pages += 1;
                listings += u64::from(after.is_none());
                task::sleep(PACE).await;
            }
            Ok(json!({"listings": listings, "pages": pages}))
        });
        Self { over, task }
    }

    async fn end(self) -> Result<Value, Stopped> {
        self.over.store(true, Ordering::Relaxed);
        self.task.await
    }
}
