//! A SIP-over-TLS registrar and proxy built on sipward: phones register and call through it.
//!
//! It handles signalling only: media flows between the phones. Started without arguments, it makes
//! its own certificates and accounts and prints how to configure a phone for it.
//!
//! # Layout
//!
//! * `adapter`: connects sipward's sessions to the switch
//! * `addresses`: what each peer knows the switch by
//! * `switch`: registrar and proxy, sans-io; all its effects go through one trait
//! * `auth`: accounts and digest authentication
//! * `records`: event stream, event log and logger
//! * `config`: command line and environment, made into settings
//! * `certificate`: the development authority and its server certificate
//! * `control_loop`, `service`: signals of the operator, notifications to the service manager
//! * `banner`: what is printed at the start and at the end

mod adapter;
mod addresses;
pub mod auth;
mod banner;
mod certificate;
mod config;
mod control_loop;
mod records;
mod service;
pub mod switch;

use adapter::{Adapter, SwitchApplication};
use addresses::Addresses;
use async_std::task;
use auth::{Accounts, DemoUser, DigestAuthenticator, NONCE_LIFETIME, SharedAuthenticator};
use certificate::Development;
use config::{AccountSource, Identity, Options, Settings};
use control_loop::ControlLoop;
use records::{EventLog, EventStream, logger};
use sipward::{Builder, Deadlines, StartError, Supervisor, TlsPolicy};
use std::error::Error;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;
use switch::{Switch, SwitchConfig};

/// Runs the program.
pub fn main() -> ExitCode {
    let inherited = match service::listeners() {
        Ok(inherited) => inherited,
        Err(error) => return failure(&error),
    };
    let addresses: Vec<_> = inherited.iter().flat_map(TcpListener::local_addr).collect();
    let settings = Options::settings_or_exit(&addresses);
    #[cfg(unix)]
    raise_descriptor_limit();
    logger::start(settings.log, settings.log_level);
    match task::block_on(run(settings, inherited)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure(&error.to_string()),
    }
}

fn failure(error: &str) -> ExitCode {
    eprintln!("softswitch: {error}");
    ExitCode::FAILURE
}

/// Raises the soft limit on descriptors to the hard one: each connection needs a descriptor, and
/// the soft limit only protects programs that use `select`.
#[cfg(unix)]
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    let all = Rlimit {
        current: maximum,
        maximum,
    };
    // If this fails, sipward derives a lower limit on connections and logs it.
    let _ = setrlimit(Resource::Nofile, all);
}

async fn run(settings: Settings, inherited: Vec<TcpListener>) -> Result<(), Box<dyn Error>> {
    let realm = settings.domains.first().cloned().unwrap_or_default();
    let (known, demo_users) = accounts(&settings, &realm)?;
    let (policy, development) = identity(&settings)?;
    if settings.check {
        return check(&settings, &inherited, &policy);
    }

    let mut secrets = [[0; 32]; 2];
    for secret in &mut secrets {
        getrandom::fill(secret).map_err(|error| format!("no random numbers: {error}"))?;
    }
    let [nonce_secret, token_secret] = secrets;
    let open = known.is_open();
    let authenticator =
        DigestAuthenticator::new(realm.clone(), known, nonce_secret, NONCE_LIFETIME);
    let authenticator = Arc::new(Mutex::new(authenticator));
    let events = EventStream::open(settings.events.as_ref())?;
    let is_inherited = !inherited.is_empty();
    let builder = builder(&settings, inherited, policy, &events);

    let mut config = SwitchConfig::new(settings.domains.clone(), token_secret);
    config.max_contacts = settings.max_contacts;
    let reports = events.clone();
    // Signals are caught before the switch listens: a service manager may send one as soon as it
    // sees the process.
    let reloads = settings.accounts.is_reloadable();
    let signals = control_loop::prepare(reloads)?;
    let log = EventLog::start()?;
    let logged = log.clone();
    let reload_realm = realm.clone();
    let shared = Arc::clone(&authenticator);
    let advertised = settings.advertise.clone();
    // Sockets that were handed over take the place of those that are listened on.
    let configured = match is_inherited {
        true => Vec::new(),
        false => settings.listen.clone(),
    };
    let handle = builder
        .application_at(move |bound| {
            let addresses = Addresses::new(&advertised, &configured, bound, &realm);
            let authenticator = SharedAuthenticator::new(realm, shared);
            let switch = Switch::new(config, Box::new(authenticator));
            SwitchApplication::new(Adapter::start(switch, addresses, reports, logged))
        })
        .start()
        .await?;

    let banner = banner::Banner {
        settings: &settings,
        listeners: handle.listeners(),
        development: development.as_ref(),
        demo_users: demo_users.as_ref(),
        open,
    };
    banner.print(events.uses_standard_output());
    service::ready();
    let reload = || {
        let (accounts, _) = accounts(&settings, &reload_realm)?;
        auth::lock(&authenticator).replace_accounts(accounts);
        Ok(())
    };
    let report = ControlLoop { handle, signals }.run(reload).await;
    events.finish();
    log.finish();
    banner::print_ledger(&report);
    match report.panic {
        None => Ok(()),
        Some(panic) => Err(format!("the supervisor panicked: {panic}").into()),
    }
}

/// The accounts, and the demo users if these were generated.
fn accounts(
    settings: &Settings,
    realm: &str,
) -> Result<(Accounts, Option<[DemoUser; 2]>), Box<dyn Error>> {
    match &settings.accounts {
        AccountSource::Open => Ok((Accounts::open(), None)),
        AccountSource::Demo => {
            let (accounts, users) = Accounts::demo(realm, &settings.domains)?;
            Ok((accounts.with_algorithms(settings.digest), Some(users)))
        }
        AccountSource::Listed { users, file } => {
            let mut accounts =
                Accounts::new(realm, &settings.domains).with_algorithms(settings.digest);
            for user in users {
                accounts.add(user.reveal())?;
            }
            if let Some(file) = file {
                accounts.load(file)?;
            }
            Ok((accounts, None))
        }
    }
}

/// The TLS policy, and the development certificate if one was made.
fn identity(settings: &Settings) -> Result<(TlsPolicy, Option<Development>), Box<dyn Error>> {
    match &settings.identity {
        Identity::Files { cert, key } => {
            let policy = TlsPolicy::from_pem_files(cert, key);
            // Checked here and not only at the start, so that the error names the files.
            let policy = policy.and_then(|policy| policy.validate().map(|()| policy));
            let policy = policy.map_err(|error| {
                let (cert, key) = (cert.display(), key.display());
                format!("--cert {cert} and --key {key} cannot be used: {error}")
            })?;
            Ok((policy, None))
        }
        Identity::Development => {
            let names = certificate::SubjectNames::new(
                &settings.domains,
                settings.advertise.iter().map(|each| &*each.address.host),
                settings.host_name.as_deref(),
                settings.listen.iter().map(SocketAddr::ip),
            );
            let made = certificate::prepare(&settings.data, &names, SystemTime::now())?;
            let policy = TlsPolicy::from_pem_files(&made.certificate, &made.key)?;
            Ok((policy, Some(made)))
        }
    }
}

fn builder(
    settings: &Settings,
    inherited: Vec<TcpListener>,
    policy: TlsPolicy,
    events: &EventStream,
) -> Builder<sipward::Discard> {
    let mut deadlines = Deadlines::default();
    deadlines.handshake = settings.handshake_deadline;
    if settings.accounts != AccountSource::Open {
        deadlines.authentication = Some(settings.authentication_deadline);
    }
    let mut builder = Supervisor::builder(policy)
        .deadlines(deadlines)
        .limits(settings.admission.limits())
        .threads(settings.threads);
    if inherited.is_empty() {
        builder = settings
            .listen
            .iter()
            .copied()
            .fold(builder, Builder::listen);
    }
    builder = inherited.into_iter().fold(builder, Builder::listen_on);
    if let Some(rule) = settings.admission.ban_rule() {
        builder = builder.ban_rule(rule);
    }
    match events.observer() {
        Some(observer) => builder.observer(observer),
        None => builder,
    }
}

/// Does everything that can fail at the start, and stops before serving.
fn check(
    settings: &Settings,
    inherited: &[TcpListener],
    policy: &TlsPolicy,
) -> Result<(), Box<dyn Error>> {
    policy.validate()?;
    for address in settings.listen.iter().filter(|_| inherited.is_empty()) {
        TcpListener::bind(address).map_err(|source| StartError::Bind {
            address: *address,
            source,
        })?;
    }
    EventStream::open(settings.events.as_ref())?;
    println!("everything is in order");
    Ok(())
}
