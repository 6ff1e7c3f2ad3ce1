//! SIPp, which speaks TCP, behind a socat that makes TLS of it.

use super::own_address::own_address;
use super::program::{Program, command};
use super::scratch::Scratch;
use super::switch::Softswitch;
use crate::place::root;
use std::path::PathBuf;

/// A party whose phone is a SIPp.
pub struct Party {
    name: &'static str,
    password: &'static str,
    domain: String,
    /// It goes on while SIPp runs.
    _tunnel: Program,
    port: String,
    records: Scratch,
}

impl Party {
    /// Opens its way to the switch, whose certificate socat verifies.
    #[track_caller]
    pub fn new(switch: &Softswitch, name: &'static str, password: &'static str) -> Self {
        let far = format!(
            "OPENSSL:{},cafile={},verify=1",
            switch.address,
            switch.authority().display()
        );
        let near = "TCP-LISTEN:0,bind=127.0.0.1,fork";
        let mut socat = command("socat");
        let mut tunnel = Program::tool("socat", socat.args(["-d", "-d", near, &far]));
        let port = tunnel.complains("listening on AF=2 127.0.0.1:");
        Self {
            name,
            password,
            domain: switch.domain.clone(),
            _tunnel: tunnel,
            port,
            records: Scratch::new(),
        }
    }

    /// Plays a scenario so many times, five a second, over one connection.
    #[track_caller]
    pub fn plays(&self, scenario: &str, times: u32) -> Program {
        self.sipp(scenario, times, &["-t", "t1"])
    }

    /// The same, over a connection for each.
    #[track_caller]
    pub fn plays_apart(&self, scenario: &str, times: u32) -> Program {
        self.sipp(scenario, times, &["-t", "tn", "-max_socket", "100"])
    }

    /// Registers by one scenario and treats each call that comes by another, until dropped.
    #[track_caller]
    pub fn takes_calls(&self, scenario: &str, for_each_call: &str) -> Program {
        let out_of_call = scenario_file(for_each_call);
        let out_of_call = out_of_call.to_str().unwrap();
        self.sipp(scenario, 1, &["-t", "t1", "-oocsf", out_of_call])
    }

    fn sipp(&self, scenario: &str, times: u32, options: &[&str]) -> Program {
        let own = own_address();
        let mut sipp = command("sipp");
        sipp.arg(format!("127.0.0.1:{}", self.port))
            .arg("-sf")
            .arg(scenario_file(scenario))
            .args(["-i", &own.ip().to_string(), "-bind_local"])
            .args(["-p", &own.port().to_string(), "-mp", "0", "-cp", "0"])
            .args(["-key", "domain", &self.domain, "-key", "user", self.name])
            .args(["-key", "callee", "bob"])
            .args(["-au", self.name, "-ap", self.password])
            .args(["-r", "5", "-m", &times.to_string()])
            .current_dir(self.records.path())
            .args(["-trace_msg", "-message_file", scenario])
            .args(["-nostdin", "-timeout", "50", "-timeout_error"])
            .args(options);
        Program::tool("sip-tester", &mut sipp).recording(self.records.file(scenario))
    }
}

fn scenario_file(name: &str) -> PathBuf {
    root()
        .join("tests/src/real/sipp")
        .join(name)
        .with_extension("xml")
}
