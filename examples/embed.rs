//! sipward in an application of your own: start, answer requests, print events, stop.
//!
//! `cargo run --example embed`, then connect: `openssl s_client -connect 127.0.0.1:5061`.

use sipward::sip::Message;
use sipward::{Application, EventFilter, Flow, Ready, SipSession, Supervisor, TlsPolicy};
use std::time::Duration;

/// Answers OPTIONS with 200, and every other request but ACK with 501, on the connection it came by.
struct Responder;

struct Conversation {
    flow: Flow,
}

impl Application for Responder {
    type Session = Conversation;

    fn open(&self, _ready: &Ready, flow: Flow) -> Conversation {
        Conversation { flow }
    }
}

impl SipSession for Conversation {
    async fn message(&mut self, message: Message) {
        let response = match message.method() {
            Some("OPTIONS") => message.respond(200, "OK"),
            _ => message.respond(501, "Not Implemented"),
        };
        // An ACK and a response get no response.
        let Ok(response) = response else {
            return;
        };
        if let Ok(response) = response.header("Allow", "OPTIONS") {
            // When the flow is full the peer does not read; it will send its request again.
            let _ = self.flow.send(response.build());
        }
    }
}

#[async_std::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    femme::with_level(femme::LevelFilter::Info);
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());

    let sipward = Supervisor::builder(TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?)
        .listen("127.0.0.1:5061")
        .application(Responder)
        .start()
        .await?;

    let mut events = sipward.subscribe(EventFilter::all(), 1000).await?;
    let minute = async_std::future::timeout(Duration::from_secs(60), async {
        while let Some(event) = events.next().await {
            println!("{}", event.kind());
        }
    });
    let _ = minute.await;

    println!("{:?}", sipward.snapshot().await?.inbound);
    println!("{:?}", sipward.shutdown(Duration::from_secs(8)).await);
    Ok(())
}
