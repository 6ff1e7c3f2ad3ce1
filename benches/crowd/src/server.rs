//! The server: sipward with an application that answers every request at once. It is controlled by
//! lines on standard input.

use crate::server_request::ServerRequest;
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

/// The time between two polls.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The number of sessions in a page.
const PAGE: usize = 500;

/// Longer than any measurement, so that no deadline closes an idle session.
const NEVER: Duration = Duration::from_secs(24 * 3600);

struct AnswerAll;

struct Session(Flow);

impl Application for AnswerAll {
    type Session = Session;

    fn open(&self, _: &Ready, flow: Flow) -> Session {
        Session(flow)
    }
}

impl SipSession for Session {
    async fn message(&mut self, message: Message) {
        if message.is_request() {
            // Sending fails when the session has ended, and then there is no one to answer.
            let _ = self.0.send(ok(&message));
        }
    }
}

/// A 200 with the header fields of the request that a response must have (RFC 3261 8.2.6.2).
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
/// When it cannot start, or its supervisor stops early.
pub async fn serve() -> Result<(), Box<dyn Error>> {
    let certificate = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    let (chain, key) = (
        certificate.cert.pem(),
        certificate.signing_key.serialize_pem(),
    );
    let mut limits = AdmissionLimits::default();
    // The descriptors are the only limit.
    limits.connections = usize::MAX;
    limits.handshakes = 8192;
    limits.exempt = vec!["127.0.0.0/8".parse()?];
    let mut deadlines = Deadlines::default();
    deadlines.first_message = NEVER;
    deadlines.idle = NEVER;
    // Idle sessions have a listener of their own, so that they and the busy clients each have all
    // local ports.
    let handle = Supervisor::builder(TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?)
        .listen("127.0.0.1:0")
        .listen("127.0.0.2:0")
        .limits(limits)
        .deadlines(deadlines)
        .application(AnswerAll)
        .start()
        .await?;
    print(&json!({"listeners": handle.listeners()}));
    let mut polling = None;
    let mut lines = BufReader::new(async_std::io::stdin());
    let mut line = String::new();
    while lines.read_line(&mut line).await? > 0 {
        let answer = match ServerRequest::parse(&line) {
            None => json!({"error": "unknown request"}),
            Some(ServerRequest::Snapshot) => snapshot(&handle).await?,
            Some(ServerRequest::Listing) => listing(&handle, usize::MAX).await?,
            Some(ServerRequest::Pages) => listing(&handle, PAGE).await?,
            Some(ServerRequest::StartPolling) => {
                polling = Some(Polling::start(handle.clone()));
                json!({})
            }
            Some(ServerRequest::StopPolling) => match polling.take() {
                Some(polling) => polling.stop().await?,
                None => json!({"error": "polling was not started"}),
            },
        };
        print(&answer);
        line.clear();
    }
    let report = handle.shutdown(Duration::ZERO).await;
    print(&json!({"balanced": report.inbound.balanced(), "panic": report.panic}));
    Ok(())
}

fn print(answer: &Value) {
    println!("{answer}");
}

async fn snapshot(handle: &Handle) -> Result<Value, Stopped> {
    let snapshot = handle.snapshot().await?;
    Ok(json!({"open": snapshot.inbound.open, "balanced": snapshot.inbound.balanced()}))
}

/// Lists all sessions in pages of this size.
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

/// A task that lists sessions and takes snapshots all the time.
struct Polling {
    stop: Arc<AtomicBool>,
    task: JoinHandle<Result<Value, Stopped>>,
}

impl Polling {
    fn start(handle: Handle) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let stopped = Arc::clone(&stop);
        let task = task::spawn(async move {
            let (mut listings, mut pages, mut after) = (0, 0, None);
            while !stopped.load(Ordering::Relaxed) {
                handle.snapshot().await?;
                let page = handle.sessions(SessionFilter::default(), after, PAGE);
                after = page.await?.next;
                pages += 1;
                listings += u64::from(after.is_none());
                task::sleep(POLL_INTERVAL).await;
            }
            Ok(json!({"listings": listings, "pages": pages}))
        });
        Self { stop, task }
    }

    async fn stop(self) -> Result<Value, Stopped> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await
    }
}
