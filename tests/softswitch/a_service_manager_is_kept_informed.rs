//! systemd's protocols: a socket that was handed over is served, and the manager learns when the
//! switch is ready, reloads and stops.

use rustix::process::Signal;
use sipward_tests::peer;
use sipward_tests::peer::Phone;
use sipward_tests::place::example;
use sipward_tests::real::TEST_TIMEOUT;
use sipward_tests::real::events::Events;
use sipward_tests::real::program::{Program, command};
use sipward_tests::real::scratch::Scratch;
use sipward_tests::real::switch::{Softswitch, softswitch};
use std::fs;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;

/// The manager's end of its socket.
struct Manager(UnixDatagram);

impl Manager {
    fn at(home: &Scratch) -> Self {
        let socket = UnixDatagram::bind(home.file("notify")).unwrap();
        socket.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
        Self(socket)
    }

    fn hears(&self) -> String {
        let mut bytes = [0; 256];
        let count = self.0.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }
}

fn waits_for_reload(program: &mut Program, answer: &str) {
    program.signal(Signal::HUP);
    program.complains(answer);
}

#[test]
fn it_learns_when_the_switch_is_ready_reloads_and_stops() {
    let home = Scratch::new();
    let manager = Manager::at(&home);
    let users = home.file("users");
    fs::write(&users, "alice:wonderland\n").unwrap();
    let mut command = softswitch(&home);
    command.env("NOTIFY_SOCKET", home.file("notify")).args([
        "--listen",
        "127.0.0.1:0",
        "--users-file",
        "users",
    ]);
    let mut program = Program::start(&mut command);
    assert_eq!(manager.hears(), "READY=1\n");

    fs::write(&users, "alice:wonderland\nbob:builder\n").unwrap();
    waits_for_reload(&mut program, "reloaded: the accounts were read again");
    let reloading = manager.hears();
    assert!(
        reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="),
        "{reloading}"
    );
    assert_eq!(manager.hears(), "READY=1\n");

    fs::write(&users, "no account\n").unwrap();
    waits_for_reload(&mut program, "not reloaded, the accounts stay as they were");
    assert!(manager.hears().starts_with("RELOADING=1"));
    assert_eq!(manager.hears(), "READY=1\n");

    program.terminate();
    assert_eq!(manager.hears(), "STOPPING=1\n");
    assert_eq!(program.ends().code(), Some(0));
}

#[test]
fn a_socket_handed_over_is_served_in_the_place_of_the_usual_one() {
    let home = Scratch::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Who connects before the switch runs waits.
    let early = peer::tcp(address);
    let mut shell = command("sh");
    shell
        .current_dir(home.path())
        .args(["-c", "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\" 3<&0", "sh"])
        .arg(example("softswitch"))
        .args(["--no-auth", "--data", "data", "--events", "events.json"]);
    let handed = Stdio::from(OwnedFd::from(listener));
    let mut program = Program::start_with(&mut shell, handed);
    program.says(&format!("listening (TLS)  {address}"));
    let switch = Softswitch {
        program,
        events: Events::of(home.file("events.json")),
        domain: "127.0.0.1".to_owned(),
        address,
        home,
    };
    let trust = switch.trusting();
    let early = Phone::over(early, trust.clone()).unwrap();
    let later = Phone::connect(address, trust).unwrap();
    drop((early, later));
    switch.events.wait_for(2, "closed");
    switch.stop();
}
