//! Cutting messages out of the stream.

use super::{OPTIONS, Piece};
use sipward::sip::{Frame, Framer, Limits};
use std::hint::black_box;

pub const PIECES: &[Piece] = &[
    Piece {
        name: "framing: a request in one read",
        prepare: || frame(OPTIONS.as_bytes().to_vec(), usize::MAX),
    },
    Piece {
        name: "framing: a request in reads of 64 bytes",
        prepare: || frame(OPTIONS.as_bytes().to_vec(), 64),
    },
    Piece {
        name: "framing: 20 requests in one read",
        prepare: || frame(OPTIONS.repeat(20).into_bytes(), usize::MAX),
    },
    Piece {
        name: "framing: a request with a body of 16 KiB",
        prepare: || {
            let head = OPTIONS.replace("Content-Length: 0", "Content-Length: 16384");
            frame([head.as_bytes(), &[b'x'; 16384]].concat(), usize::MAX)
        },
    },
];

/// Reads as a session does: at most 4 KiB, and never beyond a message whose length is known.
fn frame(stream: Vec<u8>, at_most: usize) -> Box<dyn FnMut()> {
    let mut framer = Framer::new(Limits::default());
    Box::new(move || {
        let mut rest = stream.as_slice();
        while !rest.is_empty() {
            let spare = framer.spare(at_most.min(4096));
            let count = spare.len().min(rest.len());
            spare[..count].copy_from_slice(&rest[..count]);
            framer.filled(count);
            rest = &rest[count..];
            while let Ok(Some(Frame::Message(message))) = framer.next_frame() {
                black_box(message);
            }
        }
        assert!(framer.is_idle(), "the stream consists of whole messages");
    })
}
