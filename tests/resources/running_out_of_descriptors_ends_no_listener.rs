//! A process that has no descriptor left rests, says so, serves who is in, does not spin, and goes
//! on by itself when there are some again.

use rustix::param::clock_ticks_per_second;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use sipward_tests::peer::{Phone, tcp};
use sipward_tests::real::switch::Softswitch;
use std::fs;
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

/// More descriptors than the switch has at rest.
const SPARE: u64 = 20;

#[test]
fn it_rests_says_so_and_takes_who_has_waited_once_others_have_left() {
    let switch = Softswitch::start(&["--no-auth"]);
    let trust = switch.trusting();
    let mut inside = Phone::connect(switch.address, trust.clone()).unwrap();
    switch.events.wait_for(1, "ready");
    let process = switch.program.id();
    limit_descriptors(process, descriptors(process) + SPARE);

    let crowd: Vec<TcpStream> = (0..2 * SPARE).map(|_| tcp(switch.address)).collect();
    let failed = &switch.events.wait_for(1, "accept_failed")[0];
    assert_eq!(failed.text("listener"), switch.address.to_string());

    // A listener that spins would take all of the time it is watched.
    let (before, watched) = (cpu(process), Duration::from_millis(500));
    sleep(watched);
    let spent = cpu(process) - before;
    assert!(spent <= watched / 4, "{spent:?} of {watched:?}");
    // It is said once for as long as it lasts. It may come again when the first of the crowd have left and
    // those in the backlog are accepted before the others are gone.
    assert_eq!(switch.events.of_kind("accept_failed").len(), 1);

    inside.send("\r\n\r\n");
    inside.expect("\r\n");
    let waits = tcp(switch.address);
    drop(crowd);
    switch.events.wait_for(1, "accept_resumed");
    Phone::over(waits, trust).expect("who has waited is served");
    drop(inside);
    switch.stop();
}

fn limit_descriptors(process: u32, most: u64) {
    let pid = Pid::from_raw(process.try_into().unwrap());
    let limit = Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    prlimit(pid, Resource::Nofile, limit).unwrap();
}

fn descriptors(process: u32) -> u64 {
    fs::read_dir(format!("/proc/{process}/fd")).unwrap().count() as u64
}

/// Processor time it has used so far.
fn cpu(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().unwrap())
        .sum();
    Duration::from_millis(ticks * 1000 / clock_ticks_per_second())
}
