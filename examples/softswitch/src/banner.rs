//! What is printed at the start: where the switch listens and how to configure a phone for it. And
//! the ledger, printed at the end.

use crate::auth::accounts::DemoUser;
use crate::certificate::{Development, Preparation};
use crate::config::Settings;
use sipward::control::Report;
use std::fmt;
use std::net::SocketAddr;

pub struct Banner<'a> {
    pub settings: &'a Settings,
    pub listeners: &'a [SocketAddr],
    pub development: Option<&'a Development>,
    pub demo_users: Option<&'a [DemoUser; 2]>,
    pub open: bool,
}

impl Banner<'_> {
    /// Prints to standard error if standard output carries the events.
    pub fn print(&self, stdout_has_events: bool) {
        if stdout_has_events {
            eprintln!("{self}");
        } else {
            println!("{self}");
        }
    }
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listeners: Vec<String> = self.listeners.iter().map(ToString::to_string).collect();
        writeln!(f, "softswitch on sipward {}", env!("CARGO_PKG_VERSION"))?;
        writeln!(f)?;
        writeln!(f, "  listening (TLS)  {}", listeners.join(", "))?;
        writeln!(f, "  domains          {}", self.settings.domains.join(", "))?;
        if let Some(made) = self.development {
            let what = match &made.preparation {
                Preparation::Created => "just made: phones must be told to trust it",
                Preparation::Reused => "as before",
                Preparation::Reissued { .. } => "as before; the server certificate is new",
            };
            let authority = made.authority.display();
            writeln!(f, "  CA to trust      {authority} ({what})")?;
        }
        writeln!(f)?;
        if self.open {
            writeln!(f, "  accounts         any user of the domain, no password")?;
        }
        let Some(users) = self.demo_users else {
            return write!(f, "  stop with Ctrl-C");
        };
        writeln!(f, "  accounts (made up for this run)")?;
        for user in users {
            writeln!(f, "    {:<8} {}", user.name, user.password)?;
        }
        writeln!(f)?;
        writeln!(f, "  a line for ~/.baresip/accounts:")?;
        for user in users {
            writeln!(f, "    {}", self.baresip(user))?;
        }
        writeln!(f)?;
        write!(f, "  stop with Ctrl-C")
    }
}

impl Banner<'_> {
    /// An account line for baresip. It names the listener's address as outbound proxy, so it works
    /// without DNS.
    fn baresip(&self, user: &DemoUser) -> String {
        let domain = self.settings.domains.first().map_or("", String::as_str);
        let (name, password) = (&user.name, &user.password);
        let outbound = self.listeners.first().map_or_else(String::new, |at| {
            format!(";outbound=\"sip:{at};transport=tls\"")
        });
        format!(
            "<sip:{name}@{domain};transport=tls>;auth_user={name};auth_pass={password}{outbound};regint=600"
        )
    }
}

/// Prints the counts of all connections, the last line of the program.
pub fn print_ledger(report: &Report) {
    let counts = report.inbound;
    eprintln!(
        "ledger: begun {} = refused {} + failed {} + ready {} + handshaking {}; ready {} = closed {} + open {}; {}",
        counts.begun,
        counts.refused,
        counts.failed,
        counts.ready,
        counts.handshaking,
        counts.ready,
        counts.closed,
        counts.open,
        if counts.balanced() {
            "balanced"
        } else {
            "NOT BALANCED"
        },
    );
}
