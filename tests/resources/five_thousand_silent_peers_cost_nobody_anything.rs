//! Peers that connect and say nothing cost a few kilobytes each and nobody else anything, and after
//! the deadline they are gone.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sipward_tests::peer::Phone;
use sipward_tests::process::alone;
use sipward_tests::real::switch::Softswitch;
use std::fs;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SILENT: usize = 5000;

/// Bytes of memory that one of them may cost.
const EACH: usize = 4096;

#[test]
fn a_good_phone_comes_in_at_once_and_after_the_deadline_everything_is_back() {
    alone(|| {
        raise_descriptor_limit();
        // One address plays all of them, so the limits per source must not apply.
        let switch = Softswitch::start(&[
            "--no-auth",
            "--exempt",
            "127.0.0.0/8",
            "--max-handshakes",
            "8192",
            "--handshake-deadline",
            "6",
            "--log-level",
            "error",
        ]);
        let trust = switch.trusting();
        // What the first handshake allocates for good is not theirs.
        drop(Phone::connect(switch.address, Arc::clone(&trust)).unwrap());
        switch.events.wait_for(1, "closed");
        let process = Process(switch.program.id());
        let (memory, descriptors) = (process.memory(), process.descriptors());

        let crowd = |times: usize| -> Vec<TcpStream> {
            let crowd = (0..SILENT).map(|_| TcpStream::connect(switch.address).unwrap());
            let crowd = crowd.collect();
            switch.events.wait_for(SILENT * times + times, "accepted");
            crowd
        };
        let silent = crowd(1);
        let used = process.memory() - memory;
        assert!(
            used <= SILENT * EACH,
            "{} bytes for each silent peer",
            used / SILENT
        );
        let before = Instant::now();
        drop(Phone::connect(switch.address, Arc::clone(&trust)).unwrap());
        assert!(before.elapsed() < Duration::from_secs(1));

        let failed = switch.events.wait_for(SILENT, "handshake_failed");
        let all_silent = failed
            .iter()
            .all(|line| line.text("cause") == "timeout_silent");
        assert!(all_silent);
        drop(silent);
        switch.events.wait_for(2, "closed");
        assert_eq!(process.descriptors(), descriptors);

        // What the allocator kept of them is used again: a second crowd costs nothing more.
        let kept = process.memory();
        let again = crowd(2);
        let more = process.memory().saturating_sub(kept);
        assert!(more <= SILENT * EACH / 4, "{more} bytes more");
        drop(again);
        switch.stop();
    });
}

/// As far as it may be, for this process and the switch it starts.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let enough = limit.maximum.is_none_or(|most| most > 2 * SILENT as u64);
    assert!(
        enough,
        "raise the hard limit of open files above {}",
        2 * SILENT
    );
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).unwrap();
}

struct Process(u32);

impl Process {
    /// Resident bytes.
    fn memory(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
        kilobytes.parse::<usize>().unwrap() * 1024
    }

    fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.0))
            .unwrap()
            .count()
    }
}
