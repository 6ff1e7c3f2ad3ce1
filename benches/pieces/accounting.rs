//! Letting connections in, and recording what becomes of them.

use super::Piece;
use sipward::bench::{Door, Records};
use std::hint::black_box;

pub const PIECES: &[Piece] = &[
    Piece {
        name: "admission: one comes and goes, 100 are here",
        prepare: || come_and_go(100),
    },
    Piece {
        name: "admission: one comes and goes, 20,000 are here",
        prepare: || come_and_go(20_000),
    },
    Piece {
        name: "events: a connection's three, 20,000 are open",
        prepare: || {
            let mut records = Records::with(20_000);
            Box::new(move || {
                records.live(|event| {
                    black_box(event.kind());
                })
            })
        },
    },
    Piece {
        name: "events: the same with the fields of their lines",
        prepare: || {
            let mut records = Records::with(20_000);
            Box::new(move || records.live(|event| drop(black_box(event.fields()))))
        },
    },
];

fn come_and_go(present: u32) -> Box<dyn FnMut()> {
    let mut door = Door::with(present);
    Box::new(move || door.come_and_go())
}
