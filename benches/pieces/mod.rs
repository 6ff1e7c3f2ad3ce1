//! The pieces of the hot path. Measured in time by `micro` and in instructions by `counts`, with the
//! same bodies.

mod accounting;
mod digest;
mod framing;
mod sessions;
mod switch;

/// One piece: what is prepared once, and what is measured.
pub struct Piece {
    pub name: &'static str,
    pub prepare: fn() -> Box<dyn FnMut()>,
}

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Piece> {
    [
        framing::PIECES,
        accounting::PIECES,
        switch::PIECES,
        digest::PIECES,
        sessions::PIECES,
    ]
    .into_iter()
    .flatten()
}

/// A request as phones send them: 470 bytes.
pub const OPTIONS: &str = "OPTIONS sip:example.com SIP/2.0\r\n\
    Via: SIP/2.0/TLS 10.0.0.7:50611;branch=z9hG4bK-524287-1---0123456789abcdef;rport\r\n\
    Max-Forwards: 70\r\n\
    Contact: <sip:alice@10.0.0.7:50611;transport=TLS;ob>\r\n\
    To: <sip:example.com>\r\n\
    From: \"Alice\" <sip:alice@example.com>;tag=4f2a9b1c\r\n\
    Call-ID: OTk0NGE4ZDk2YzMwYzZmNzU1MDkzYmQ5\r\n\
    CSeq: 1 OPTIONS\r\n\
    Accept: application/sdp\r\n\
    User-Agent: a phone 5.19.2\r\n\
    Allow: INVITE, ACK, CANCEL, BYE, NOTIFY, REFER, MESSAGE, OPTIONS, INFO, SUBSCRIBE\r\n\
    Content-Length: 0\r\n\r\n";
