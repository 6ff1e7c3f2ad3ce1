//! How long each piece of the hot path takes: `cargo bench --bench micro`.

#[path = "../pieces/mod.rs"]
mod pieces;
#[path = "../../examples/softswitch/parts.rs"]
mod softswitch;

use criterion::{Criterion, criterion_group, criterion_main};
use softswitch::switch;

fn each_piece(criterion: &mut Criterion) {
    for piece in pieces::all() {
        criterion.bench_function(piece.name, |bencher| {
            let mut body = (piece.prepare)();
            bencher.iter(&mut body);
        });
    }
}

criterion_group!(benches, each_piece);
criterion_main!(benches);
