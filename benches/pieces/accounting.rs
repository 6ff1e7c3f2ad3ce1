//! Letting connections in, and recording what becomes of them.

use super::Piece;
use sipward::bench::{AdmissionPiece, LedgerPiece};
use std::hint::black_box;

pub const PIECES: &[Piece] = &[
    Piece {
        name: "admission: one comes and goes, 100 are here",
        prepare: || admit_and_end(100),
    },
    Piece {
        name: "admission: one comes and goes, 20,000 are here",
        prepare: || admit_and_end(20_000),
    },
    Piece {
        name: "events: a connection's three, 20,000 are open",
        prepare: || {
            let mut ledger = LedgerPiece::with(20_000);
            Box::new(move || {
                ledger.accept_and_close(|event| {
                    black_box(event.kind());
                })
            })
        },
    },
    Piece {
        name: "events: the same with the fields of their lines",
        prepare: || {
            let mut ledger = LedgerPiece::with(20_000);
            Box::new(move || ledger.accept_and_close(|event| drop(black_box(event.fields()))))
        },
    },
];

fn admit_and_end(present: u32) -> Box<dyn FnMut()> {
    let mut admission = AdmissionPiece::with(present);
    Box::new(move || admission.admit_and_end())
}
