//! SIP on a stream: where one message ends and the next begins, and readers for what is in it.
//!
//! A [`Framer`] cuts the stream: RFC 3261 §7.5 and §18.3 rule that the end of a message is told by its
//! Content-Length. What leaves that end in doubt is a [`Violation`] and ends the stream; what does not is a
//! [`Defect`] of that one message. Keep-alives between messages are those of RFC 5626 §3.5.1 and §4.4.1.
//!
//! A [`Message`] gives its header fields by [`Name`], and the readers take them apart: [`NameAddr`] and
//! [`Contacts`], [`Uri`], [`Via`], [`CSeq`], [`Credentials`]. They are exact, because identity and routing are
//! decided by what they read; what is only carried needs none of them. Nothing here does I/O.
//!
//! ```
//! use sipward::sip::{Frame, Framer, Limits, Name, NameAddr};
//!
//! let mut framer = Framer::new(Limits::default());
//! framer.push(b"OPTIONS sip:example.com SIP/2.0\r\nf: <sip:a@b>;tag=1\r\nl: 0\r\n\r\n\r\n\r\n");
//! let Some(Frame::Message(message)) = framer.next_frame()? else {
//!     panic!("a message is due");
//! };
//! assert_eq!(message.method(), Some("OPTIONS"));
//! let from = message.only(Name::From).expect("it has one From");
//! assert_eq!(NameAddr::parse(from.value).unwrap().uri, "sip:a@b");
//! assert_eq!(framer.next_frame()?, Some(Frame::Ping));
//! assert_eq!(framer.next_frame()?, None);
//! # Ok::<(), sipward::sip::Violation>(())
//! ```

mod address;
mod credentials;
mod framing;
mod head;
mod header;
mod lex;
mod limits;
mod message;
mod params;
mod problem;
mod respond;
mod uri;
mod values;
mod via;
mod violation;

pub use address::{Contacts, NameAddr, addresses};
pub use credentials::Credentials;
pub use framing::{Frame, Framer};
pub use header::{Header, Name};
pub use limits::Limits;
pub use message::Message;
pub use params::{Param, Params, param};
pub use problem::Problem;
pub use respond::{NoResponse, ResponseBuilder};
pub use uri::{Host, SipUri, Uri};
pub use values::{CSeq, call_id, decimal, elements, qvalue, tokens};
pub use via::Via;
pub use violation::{BrokenStream, Defect, Violation};
