# What a laptop and the continuous integration both run. `just` lists the recipes.

default:
    @just --list

# Formatting, lints, documentation: nothing may be left to say.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    for feature in testing fuzzing; do cargo clippy -p sipward --features $feature -- -D warnings; done
    cargo clippy -p sipward -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps -p sipward --all-features
    cd benches/compare && cargo fmt --check
    cd benches/compare && cargo clippy --locked --all-targets --target-dir ../../target/compare -- -D warnings

# The tests that need the toolchain alone; the command README gives.
test:
    cargo test --workspace
    cd benches/compare && cargo test --locked --target-dir ../../target/compare

# The tests against real phones, load tools and TLS clients (Debian's packages).
peers:
    cargo test --workspace -- --ignored

# Takes one mechanism out at a time and sees the conservation law fail: docs/reliability.md.
mutants name='':
    tests/law/mutations.sh '{{name}}'

# Every test program so many times, three runs at once: a test that fails once in a while is found.
again runs='50' programs='':
    tests/again '{{runs}}' '{{programs}}'

# Licences, sources and banned crates of everything that is built.
deny:
    cargo deny --workspace check licenses bans sources

# Known vulnerabilities, where the advisory database can be had.
advisories:
    cargo deny --workspace check advisories

# The softswitch, as README starts it.
softswitch:
    cargo run --release --example softswitch

# Starts the softswitch as README says, sees it listen, stops it.
smoke:
    .ci/smoke

# Fifty control clients during attacks of all kinds: docs/reliability.md. An hour: just siege 1h
siege duration='60s':
    cargo build --release --example softswitch
    cargo run --release -p siege -- --duration {{duration}}

# sipward beside two floors, Kamailio, nginx and HAProxy: writes the figures of docs/performance.md.
compare *ARGS:
    benches/compare/run {{ARGS}}

# How long each piece of the hot path takes (criterion).
[positional-arguments]
bench *pieces:
    cargo bench -p sipward-benches --bench micro -- "$@"

# How many instructions each takes (valgrind), against benches/counts.json; --update writes them down.
[positional-arguments]
counts *options:
    cargo bench --quiet -p sipward-benches --bench counts -- "$@"

# More and more idle sessions, up to 20,000: docs/performance.md. Six minutes.
crowd *options:
    cargo build --release --example sipload
    cargo run --release -p crowd -- {{options}}

# All that must hold.
ci: lint deny test peers smoke counts siege
