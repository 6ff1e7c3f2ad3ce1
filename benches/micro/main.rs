//! How long each piece of the hot path takes: `cargo bench --bench micro`.

use criterion::{Criterion, criterion_group, criterion_main};
use sipward_benches as pieces;

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
