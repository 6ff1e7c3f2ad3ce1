//! The conservation law: whatever peers, network, application, operator and fate do to it, in any
//! order, each connection is `Accepted`, ends in exactly one way, and leaves nothing behind.
//!
//! 2,000 histories by default. `LAW_HISTORIES=1000000` plays as many (with `--release`),
//! `LAW_FROM=n` begins at that seed, `LAW_SEED=n` replays one, `LAW_THREADS=n` has the runtime use
//! so many threads: then interleavings are as the machine makes them, and a seed replays only
//! roughly.

mod model;

use async_global_executor::GlobalExecutorConfig;
use async_std::task::{block_on, spawn};
use model::{Broken, Ground, play};
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

const HISTORIES: u64 = 2_000;

/// How often a long run says how far it has come.
const PROGRESS: Duration = Duration::from_secs(30);

#[test]
fn every_history_obeys_the_law() {
    let threads = asked("LAW_THREADS").unwrap_or(1) as usize;
    let runtime = GlobalExecutorConfig::default().with_env_var("LAW_THREADS");
    async_global_executor::init_with_config(
        runtime.with_min_threads(threads).with_max_threads(threads),
    );
    keep_quiet_about_injected_panics();
    let ground = Ground::new(threads);
    let (first, count) = match asked("LAW_SEED") {
        Some(seed) => (seed, 1),
        None => (
            asked("LAW_FROM").unwrap_or(0),
            asked("LAW_HISTORIES").unwrap_or(HISTORIES),
        ),
    };

    // On the runtime's own thread: there it takes its turn with everybody else.
    let done = block_on(spawn(play_all(first, count, Arc::clone(&ground))));
    if let Err((seed, broken)) = done {
        fail(seed, &broken);
    }
    if count >= HISTORIES {
        let missing = ground.tally.missing();
        assert!(missing.is_empty(), "never put to the test: {missing:?}");
    }
}

async fn play_all(first: u64, count: u64, ground: Arc<Ground>) -> Result<(), (u64, Broken)> {
    let began = Instant::now();
    let mut said = began;
    for seed in first..first + count {
        let history = play(seed, Arc::clone(&ground)).await;
        history.map_err(|broken| (seed, broken))?;
        if said.elapsed() > PROGRESS {
            said = Instant::now();
            let done = seed + 1 - first;
            say(&format!(
                "{done} of {count} histories in {:.0?}",
                began.elapsed()
            ));
        }
    }
    say(&format!(
        "{count} histories obeyed the law in {:.1?}\n{}",
        began.elapsed(),
        ground.tally
    ));
    Ok(())
}

fn fail(seed: u64, broken: &Broken) -> ! {
    panic!(
        "the history of seed {seed} broke the law: {}\n\
         replay it with LAW_SEED={seed} cargo test -p sipward-tests --test law\n{}",
        broken.breach,
        broken.transcript.join("\n"),
    )
}

fn asked(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is to be a number")),
    )
}

/// Past the capture of test output: a long run is watched.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn keep_quiet_about_injected_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload().downcast_ref::<&str>().copied();
        let said = said.or_else(|| panic.payload().downcast_ref::<String>().map(String::as_str));
        let said = said.unwrap_or("injected: a payload");
        if !said.starts_with("injected: ") && said != "told to panic" {
            usual(panic);
        }
    }));
}
