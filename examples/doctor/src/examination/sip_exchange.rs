//! SIP on an established connection: an OPTIONS request (RFC 3261 §11) and a keep-alive (RFC 5626
//! §3.5.1).

use super::cause::Cause;
use super::target::Target;
use async_std::future;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use sipward::sip::{Frame, Framer, Limits, Message, Name};
use sipward::{CloseCause, Connected};
use std::io;
use std::time::{Duration, Instant};

/// The server's answer to OPTIONS.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status code and reason phrase, such as `200 OK`.
    pub status: String,
    /// Its software, if the answer names it.
    pub software: Option<String>,
    /// The time from the request to the answer.
    pub after: Duration,
}

/// SIP on an established connection.
pub struct SipExchange<'a> {
    connected: &'a mut Connected,
    framer: Framer,
    timeout: Duration,
}

impl<'a> SipExchange<'a> {
    /// Each answer may take `timeout`.
    pub fn new(connected: &'a mut Connected, timeout: Duration) -> Self {
        Self {
            connected,
            framer: Framer::new(Limits::default()),
            timeout,
        }
    }

    /// Sends OPTIONS and waits for a final response, whatever its status.
    pub async fn options(&mut self, target: &Target) -> Result<Answer, Cause> {
        let (begun, timeout) = (Instant::now(), self.timeout);
        let call = token()?;
        let request = request(target, &self.connected.local_address().to_string(), &call);
        let exchange = async {
            self.send(request.as_bytes()).await?;
            loop {
                match self.receive().await? {
                    Frame::Message(message) if answers(&message, &call) => {
                        return Ok::<_, Cause>(message);
                    }
                    Frame::Ping => self.send(b"\r\n").await?,
                    Frame::Message(_) | Frame::Pong => {}
                }
            }
        };
        let answer = future::timeout(timeout, exchange)
            .await
            .map_err(|_| Cause::Close(CloseCause::FirstMessageTimeout))??;
        let line = String::from_utf8_lossy(answer.start_line());
        let status = line.trim_start_matches("SIP/2.0 ");
        Ok(Answer {
            status: status.to_owned(),
            software: software(&answer),
            after: begun.elapsed(),
        })
    }

    /// Sends a double CRLF and waits for a single one. Returns the time it took.
    pub async fn ping(&mut self) -> Result<Duration, Cause> {
        let (begun, timeout) = (Instant::now(), self.timeout);
        let exchange = async {
            self.send(b"\r\n\r\n").await?;
            loop {
                if self.framer.take_pong() {
                    return Ok::<_, Cause>(());
                }
                match self.read_frame().await? {
                    Some(Frame::Pong) => return Ok(()),
                    Some(Frame::Ping) => self.send(b"\r\n").await?,
                    Some(Frame::Message(_)) | None => {}
                }
            }
        };
        future::timeout(timeout, exchange)
            .await
            .map_err(|_| Cause::Close(CloseCause::PongMissed))??;
        Ok(begun.elapsed())
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Cause> {
        let written = async {
            self.connected.write_all(bytes).await?;
            self.connected.flush().await
        };
        match written.await {
            Ok(()) => Ok(()),
            // If the server has closed, it may have sent an alert, which is still to be read.
            Err(error) => match self.connected.read(&mut [0; 256]).await {
                Err(better) => Err(self.broken(&better)),
                Ok(_) => Err(self.broken(&error)),
            },
        }
    }

    async fn receive(&mut self) -> Result<Frame, Cause> {
        loop {
            if let Some(frame) = self.read_frame().await? {
                return Ok(frame);
            }
        }
    }

    /// Reads once and returns the next frame if it is complete. A single CRLF at the end of the
    /// bytes read stays in the framer, which cannot know whether a second one follows.
    async fn read_frame(&mut self) -> Result<Option<Frame>, Cause> {
        if let Some(frame) = self.next_frame()? {
            return Ok(Some(frame));
        }
        let mut bytes = [0; 4096];
        match self.connected.read(&mut bytes).await {
            Ok(0) => return Err(Cause::Close(CloseCause::PeerClosed)),
            Ok(count) => self.framer.push(&bytes[..count]),
            Err(error) => return Err(self.broken(&error)),
        }
        self.next_frame()
    }

    fn next_frame(&mut self) -> Result<Option<Frame>, Cause> {
        let framed = self.framer.next_frame();
        framed.map_err(|violation| Cause::Close(CloseCause::Framing(violation.into())))
    }

    fn broken(&self, error: &io::Error) -> Cause {
        Cause::Connect(Box::new(self.connected.failure(error)))
    }
}

fn request(target: &Target, local: &str, call: &str) -> String {
    format!(
        "OPTIONS {target} SIP/2.0\r\n\
         Via: SIP/2.0/TLS {local};branch=z9hG4bK{call};rport\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:anonymous@anonymous.invalid>;tag={call}\r\n\
         To: <{target}>\r\n\
         Call-ID: {call}\r\n\
         CSeq: 1 OPTIONS\r\n\
         Contact: <sips:doctor@{local}>\r\n\
         Accept: application/sdp\r\n\
         User-Agent: sipward doctor\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

/// Whether the message is the final response to the request with this Call-ID.
fn answers(message: &Message, call: &str) -> bool {
    let ours = message.header(Name::CallId).map(|header| header.value);
    message.status().is_some_and(|status| status >= 200) && ours == Some(call.as_bytes())
}

/// What the server calls itself.
fn software(message: &Message) -> Option<String> {
    let server = message.all_named("Server").next();
    let header = server.or_else(|| message.header(Name::UserAgent));
    header.map(|header| header.text().into_owned())
}

fn token() -> Result<String, Cause> {
    let mut bytes = [0; 12];
    getrandom::fill(&mut bytes)
        .map_err(|error| Cause::Close(CloseCause::Internal(error.to_string())))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
