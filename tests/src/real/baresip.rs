//! baresip, a softphone, without a screen or a sound card.

use super::program::{Program, command};
use super::scratch::Scratch;
use super::switch::Softswitch;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::path::Path;

/// The first of these directories that exists has the modules.
const MODULES: [&str; 2] = ["/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules"];

/// A running phone; typing is its keyboard.
pub struct Phone {
    program: Program,
    _home: Scratch,
}

impl Phone {
    /// Starts one that registers as the softswitch's first screen says, and trusts this authority.
    #[track_caller]
    pub fn start(switch: &Softswitch, user: &str, password: &str, authority: &Path) -> Self {
        Self::with_parameter(switch, user, password, authority, "")
    }

    /// The same with a parameter more in its line of accounts.
    #[track_caller]
    pub fn with_parameter(
        switch: &Softswitch,
        user: &str,
        password: &str,
        authority: &Path,
        parameter: &str,
    ) -> Self {
        let account = account(&switch.domain, switch.address, [user, password]);
        Self::of_account(&format!("{account}{parameter}"), authority)
    }

    /// Starts one that reaches the switch through that address, and registers once a minute.
    #[track_caller]
    pub fn through(relay: SocketAddr, switch: &Softswitch, user: &str, password: &str) -> Self {
        let account = account(&switch.domain, relay, [user, password]);
        let account = account.replace("regint=600", "regint=60");
        Self::of_account(&account, &switch.authority())
    }

    fn of_account(account: &str, authority: &Path) -> Self {
        let home = Scratch::new();
        let modules = MODULES.iter().find(|path| Path::new(path).is_dir());
        let modules = modules.expect("baresip is missing: install the Debian package baresip-core");
        home.write("config", &config(modules, authority));
        home.write("accounts", &format!("{account}\n"));
        home.write("contacts", "");
        let mut baresip = command("baresip");
        baresip
            .env("HOME", home.path())
            .args(["-s", "-f"])
            .arg(home.path());
        Self {
            program: Program::tool("baresip-core", &mut baresip),
            _home: home,
        }
    }

    /// Types a command with its long name.
    pub fn does(&mut self, command: &str) {
        self.program.type_line(&format!("/{command}"));
    }
}

impl Deref for Phone {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.program
    }
}

impl DerefMut for Phone {
    fn deref_mut(&mut self) -> &mut Program {
        &mut self.program
    }
}

fn config(modules: &str, authority: &Path) -> String {
    format!(
        "sip_listen 127.0.0.1:0\n\
         sip_cafile {}\n\
         net_interface 127.0.0.1\n\
         audio_source aubridge,mouth\n\
         audio_player aubridge,ear\n\
         audio_alert aubridge,bell\n\
         module_path {modules}\n\
         module stdio.so\n\
         module g711.so\n\
         module aubridge.so\n\
         module_tmp uuid.so\n\
         module_tmp account.so\n\
         module_app menu.so\n",
        authority.display()
    )
}

/// As the softswitch's first screen prints it.
fn account(domain: &str, address: SocketAddr, [user, password]: [&str; 2]) -> String {
    format!(
        "<sip:{user}@{domain};transport=tls>;auth_user={user};auth_pass={password};\
         outbound=\"sip:{address};transport=tls\";regint=600"
    )
}
