//! linphone's console program, a softphone, without a sound card.

use super::program::{Program, command};
use super::scratch::Scratch;
use super::switch::Softswitch;
use std::fs;
use std::ops::{Deref, DerefMut};

/// A running phone; typing is its keyboard.
pub struct Linphone {
    program: Program,
    _home: Scratch,
}

impl Linphone {
    /// Starts one that registers through an outbound proxy named `localhost`, which is no domain of the
    /// switch: linphone finds no address in a certificate, and writes the name into Route.
    #[track_caller]
    pub fn start(switch: &Softswitch, user: &str, password: &str) -> Self {
        let home = Scratch::new();
        // Without this directory it has no database and says so.
        fs::create_dir_all(home.file(".local/share/linphone")).unwrap();
        let config = home.write("linphonerc", &config(switch, [user, password]));
        let mut linphone = command("linphonec");
        linphone
            .env("HOME", home.path())
            .current_dir(home.path())
            .arg("-c")
            .arg(config);
        let mut phone = Self {
            program: Program::tool("linphone-cli", &mut linphone),
            _home: home,
        };
        phone.does("soundcard use files");
        phone.says("Using wav files instead of soundcard");
        phone
    }

    /// Types a command.
    pub fn does(&mut self, command: &str) {
        self.program.type_line(command);
    }
}

impl Deref for Linphone {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.program
    }
}

impl DerefMut for Linphone {
    fn deref_mut(&mut self) -> &mut Program {
        &mut self.program
    }
}

fn config(switch: &Softswitch, [user, password]: [&str; 2]) -> String {
    let (domain, port) = (&switch.domain, switch.address.port());
    let proxy = format!("<sip:localhost:{port};transport=tls;lr>");
    let authority = switch.authority();
    let authority = authority.display();
    format!(
        "[sip]\nsip_port=0\nsip_tcp_port=0\nsip_tls_port=-2\nroot_ca={authority}\n\
         verify_server_certs=1\nverify_server_cn=1\ndefault_proxy=0\n\
         register_only_when_network_is_up=0\nmedia_encryption=none\n\
         [proxy_0]\nreg_proxy={proxy}\nreg_route={proxy}\nreg_identity=<sip:{user}@{domain}>\n\
         reg_expires=600\nreg_sendregister=1\npublish=0\n\
         [auth_info_0]\nusername={user}\nuserid={user}\npasswd={password}\nrealm={domain}\n"
    )
}
