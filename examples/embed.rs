//! sipward in an application of your own: start, print events, steer, stop.
//!
//! `cargo run --example embed`, then connect: `openssl s_client -connect 127.0.0.1:5061`.

use sipward::sip::Message;
use sipward::{Application, EventFilter, Flow, Ready, SipSession, Supervisor, TlsPolicy};
use std::time::Duration;

/// Answers every request with 501 on the connection it came by.
struct Refuser;

struct Conversation {
    flow: Flow,
}

impl Application for Refuser {
    type Session = Conversation;

    fn open(&self, _ready: &Ready, flow: Flow) -> Conversation {
        Conversation { flow }
    }
}

impl SipSession for Conversation {
    async fn message(&mut self, message: Message) {
        if message.is_request() {
            let answer = "SIP/2.0 501 Not Implemented\r\nContent-Length: 0\r\n\r\n";
            let _ = self.flow.send(answer);
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
        .application(Refuser)
        .start()
        .await?;

    let mut events = sipward.subscribe(EventFilter::all(), 1000).await?;
    let minute = async_std::future::timeout(Duration::from_secs(60), async {
        while let Some(event) = events.next().await {
            println!("{}", event.kind().name());
        }
    });
    let _ = minute.await;

    println!("{:?}", sipward.snapshot().await?.inbound);
    println!("{:?}", sipward.shutdown(Duration::from_secs(8)).await);
    Ok(())
}
