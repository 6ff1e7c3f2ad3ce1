//! Resolves a host to addresses as in RFC 3263 §4 for TLS, but without NAPTR: when TLS is given, a
//! NAPTR record could only name `_sips._tcp`, which is looked up anyway (§4.1).

use super::target::Target;
use async_std::future;
use async_std::task::spawn_blocking;
use rsdns::Error;
use rsdns::clients::{ClientConfig, std::Client};
use rsdns::message::RCode;
use rsdns::records::Class;
use rsdns::records::data::Srv;
use sipward::HandshakeCause;
use std::fs;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

/// The default port of SIP over TLS (RFC 3261 §19.1.2).
const SIPS_PORT: u16 = 5061;

/// The most addresses that are tried: the report should fit on one screen, and each attempt may
/// take as long as the timeout.
const MAX_ADDRESSES: usize = 8;

/// What was looked up, with the result.
#[derive(Clone, Debug)]
pub struct Resolution {
    /// A line about each lookup.
    pub steps: Vec<String>,
    /// The addresses to connect to, best first, or why there are none.
    pub addresses: Result<Vec<SocketAddr>, HandshakeCause>,
}

/// Resolves the target. Each lookup may take `timeout`. `nameserver` is asked for SRV; `None`:
/// those of the system are.
pub async fn resolve(
    target: &Target,
    nameserver: Option<SocketAddr>,
    timeout: Duration,
) -> Resolution {
    if let Some(address) = target.address() {
        let address = SocketAddr::new(address, target.port.unwrap_or(SIPS_PORT));
        return Resolution {
            steps: vec!["an address: nothing to look up".to_owned()],
            addresses: Ok(vec![address]),
        };
    }
    let mut steps = Vec::new();
    let servers = match target.port {
        Some(port) => vec![(target.host.clone(), port)],
        None => match services(&target.host, nameserver, timeout, &mut steps).await {
            Ok(servers) => servers,
            Err(cause) => {
                let addresses = Err(cause);
                return Resolution { steps, addresses };
            }
        },
    };
    let mut addresses = Vec::new();
    let mut failure = HandshakeCause::DnsNotFound;
    for (host, port) in servers {
        match addresses_of(host.clone(), port, timeout).await {
            Ok(found) => {
                let listed: Vec<String> = found.iter().map(|a| a.ip().to_string()).collect();
                steps.push(format!("{host} is {}", listed.join(", ")));
                addresses.extend(found);
            }
            Err(cause) => {
                steps.push(format!("{host}: {cause}"));
                failure = cause;
            }
        }
    }
    addresses.truncate(MAX_ADDRESSES);
    let addresses = match addresses.is_empty() {
        true => Err(failure),
        false => Ok(addresses),
    };
    Resolution { steps, addresses }
}

/// The servers in the SRV records, best first; the host itself when there are none.
async fn services(
    host: &str,
    nameserver: Option<SocketAddr>,
    timeout: Duration,
    steps: &mut Vec<String>,
) -> Result<Vec<(String, u16)>, HandshakeCause> {
    let name = format!("_sips._tcp.{host}");
    let itself = vec![(host.to_owned(), SIPS_PORT)];
    let nameservers = nameserver.map_or_else(configured_nameservers, |one| vec![one]);
    let looked_up = name.clone();
    let mut records = match spawn_blocking(move || srv(&looked_up, &nameservers, timeout)).await {
        Ok(records) => records,
        Err(why) => {
            steps.push(format!("SRV {name} not looked up: {why}"));
            return Ok(itself);
        }
    };
    if records.is_empty() {
        steps.push(format!("no SRV {name}"));
        return Ok(itself);
    }
    // A single record with the target "." says that the service is not offered (RFC 2782).
    if matches!(records.as_slice(), [only] if only.target.as_str() == ".") {
        steps.push(format!("SRV {name} says: no SIP over TLS here"));
        return Err(HandshakeCause::DnsNotFound);
    }
    records.sort_by_key(|record| (record.priority, u16::MAX - record.weight));
    let servers: Vec<(String, u16)> = records
        .iter()
        .map(|record| {
            (
                record.target.as_str().trim_end_matches('.').to_owned(),
                record.port,
            )
        })
        .collect();
    let listed: Vec<String> = servers
        .iter()
        .map(|(h, port)| format!("{h}:{port}"))
        .collect();
    steps.push(format!("SRV {name} is {}", listed.join(", ")));
    Ok(servers)
}

fn srv(name: &str, nameservers: &[SocketAddr], timeout: Duration) -> Result<Vec<Srv>, String> {
    let mut why = "the system names no name server".to_owned();
    for nameserver in nameservers {
        let config = ClientConfig::with_nameserver(*nameserver).set_query_lifetime(timeout);
        let answer =
            Client::new(config).and_then(|mut client| client.query_rrset::<Srv>(name, Class::IN));
        match answer {
            Ok(records) => return Ok(records.rdata),
            Err(Error::NoAnswer) => return Ok(Vec::new()),
            Err(Error::BadResponseCode(RCode::NXDOMAIN)) => return Ok(Vec::new()),
            Err(error) => why = format!("{nameserver}: {error}"),
        }
    }
    Err(why)
}

fn configured_nameservers() -> Vec<SocketAddr> {
    let configuration = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let addresses = configuration.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let address = words
            .next()
            .filter(|word| *word == "nameserver")
            .and(words.next())?;
        address.parse::<IpAddr>().ok()
    });
    addresses
        .map(|address| SocketAddr::new(address, 53))
        .collect()
}

/// The addresses of the host by the system's resolver, which includes the hosts file.
async fn addresses_of(
    host: String,
    port: u16,
    timeout: Duration,
) -> Result<Vec<SocketAddr>, HandshakeCause> {
    let lookup = spawn_blocking(move || (host, port).to_socket_addrs());
    let mut found: Vec<SocketAddr> = match future::timeout(timeout, lookup).await {
        Ok(Ok(found)) => found.collect(),
        Ok(Err(error)) if is_temporary(&error.to_string()) => {
            return Err(HandshakeCause::DnsFailed);
        }
        Ok(Err(_)) => return Err(HandshakeCause::DnsNotFound),
        Err(_) => return Err(HandshakeCause::DnsTimeout),
    };
    found.dedup();
    match found.is_empty() {
        true => Err(HandshakeCause::DnsNotFound),
        false => Ok(found),
    }
}

/// Whether the resolver's error is EAI_AGAIN and not EAI_NONAME. The standard library keeps only
/// the message.
fn is_temporary(words: &str) -> bool {
    words.contains("emporary failure") || words.contains("try again")
}
