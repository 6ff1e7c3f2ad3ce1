//! What the two hellos of a TLS handshake say, and whether the handshake resumed a session.
//!
//! RFC 8446 sections 4.1.2 and 4.1.3 and RFC 5246 section 7.4.1 rule the hellos. Both are read as
//! evidence, not as a TLS stack reads them: what is malformed or cut off is left out, nothing is
//! refused.

mod ja4;
mod names;
mod plaintext;
mod server_name;
mod wire;

#[cfg(test)]
mod tests;

use crate::cause::ServerNameDefect;
use tls_parser::{
    TlsCipherAu, TlsCipherKx, TlsCipherSuite, TlsExtension, TlsExtensionType, TlsHandshakeType,
    TlsServerHelloContents, parse_tls_client_hello_extension, parse_tls_handshake_server_hello,
    parse_tls_server_hello_extension,
};

pub(crate) use ja4::ja4;
pub(crate) use names::{alert_name, cipher_suite_name, group_name, version_name};
pub(crate) use plaintext::{classify_plaintext, excerpt, sslv2_hello};
use wire::Cursor;

/// What a ClientHello offers (RFC 8446 section 4.1.2). GREASE values (RFC 8701) are left out of
/// every list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ClientHello {
    /// The host name of the server_name extension in lower case; bytes that are not printable ASCII
    /// stand as `\xNN`.
    pub(crate) server_name: Option<String>,
    /// What is wrong with the server_name extension, if that can be said.
    pub(crate) server_name_defect: Option<ServerNameDefect>,
    /// The versions of supported_versions, else the legacy version; empty while the extensions are
    /// not all there.
    pub(crate) versions: Vec<u16>,
    pub(crate) legacy_version: u16,
    pub(crate) session_id: Vec<u8>,
    pub(crate) cipher_suites: Vec<u16>,
    /// The types of the extensions in the order sent.
    pub(crate) extensions: Vec<u16>,
    pub(crate) groups: Vec<u16>,
    pub(crate) signature_schemes: Vec<u16>,
    /// The application protocols, escaped as the server name is.
    pub(crate) alpn: Vec<String>,
    /// Whether a TLS 1.2 ticket is presented (RFC 5077); support without a ticket is not enough.
    pub(crate) has_session_ticket: bool,
    /// Whether a pre-shared key is offered: in TLS 1.3 a wish to resume.
    pub(crate) has_psk: bool,
    /// Whether the message was all there and well formed to its end.
    pub(crate) complete: bool,
    first_alpn_ends: Option<(u8, u8)>,
}

/// What a server chose (RFC 8446 section 4.1.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerHello {
    /// The version of supported_versions, else the legacy version.
    pub(crate) version: u16,
    pub(crate) cipher_suite: u16,
    /// The group of key_share; in TLS 1.2 the named curve of the ServerKeyExchange.
    pub(crate) group: Option<u16>,
    pub(crate) psk_accepted: bool,
    /// The application protocol, escaped; TLS 1.3 sends it encrypted, so there it is never known.
    pub(crate) alpn: Option<String>,
    pub(crate) session_id: Vec<u8>,
}

#[cfg(test)]
impl ServerHello {
    /// Whether the server sent back the session id of `client`: a resumed session in TLS 1.2,
    /// always so in TLS 1.3.
    pub(crate) fn echoes_session_id(&self, client: &ClientHello) -> bool {
        !self.session_id.is_empty() && self.session_id == client.session_id
    }
}

/// Reads a ClientHello that begins with its four bytes of handshake header, cut off anywhere.
///
/// Each field is given whole or left empty. Never panics.
pub(crate) fn client_hello(message: &[u8]) -> ClientHello {
    let mut hello = ClientHello::default();
    hello.complete = read_client_hello(&mut hello, message).is_some();
    let supported_versions = u16::from(TlsExtensionType::SupportedVersions);
    if hello.complete && !hello.extensions.contains(&supported_versions) {
        hello.versions = vec![hello.legacy_version];
    }
    hello
}

/// Reads a ServerHello that begins with its four bytes of handshake header; `None` when it is cut
/// off or malformed.
///
/// `key_exchange` is the beginning of the ServerKeyExchange with its header, if one was seen. Never
/// panics.
pub(crate) fn server_hello(message: &[u8], key_exchange: Option<&[u8]>) -> Option<ServerHello> {
    let body = whole_body(message, TlsHandshakeType::ServerHello)?;
    let (_, chosen) = parse_tls_handshake_server_hello(body).ok()?;
    let mut hello = ServerHello {
        version: chosen.version.into(),
        cipher_suite: chosen.cipher.into(),
        group: None,
        psk_accepted: false,
        alpn: None,
        session_id: chosen.session_id.unwrap_or_default().to_vec(),
    };
    read_server_extensions(&mut hello, &chosen);
    hello.group = hello
        .group
        .or_else(|| named_curve(hello.cipher_suite, key_exchange?));
    Some(hello)
}

/// Whether the handshake resumed an earlier session; `None` while that is not known.
///
/// `messages` and `change_cipher_spec` are those of the server's direction. TLS 1.3 resumes by an
/// accepted pre-shared key; in TLS 1.2 and before the server goes to ChangeCipherSpec at once, with
/// neither Certificate (PSK suites have none) nor ServerHelloDone (RFC 5246 section 7.3).
pub(crate) fn resumed(
    hello: &ServerHello,
    messages: &[u8],
    change_cipher_spec: bool,
) -> Option<bool> {
    let seen = |message: TlsHandshakeType| messages.contains(&message.into());
    if !seen(TlsHandshakeType::ServerHello) {
        return None;
    }
    if hello.version >= 0x0304 {
        return Some(hello.psk_accepted);
    }
    if seen(TlsHandshakeType::Certificate) || seen(TlsHandshakeType::ServerDone) {
        return Some(false);
    }
    change_cipher_spec.then_some(true)
}

fn read_client_hello(hello: &mut ClientHello, message: &[u8]) -> Option<()> {
    let (kind, declared, body) = split_header(message)?;
    if kind != TlsHandshakeType::ClientHello {
        return None;
    }
    let mut body = Cursor::new(body.get(..declared).unwrap_or(body));
    hello.legacy_version = body.number()?;
    body.take(32)?;
    hello.session_id = body.short_vector()?.to_vec();
    hello.cipher_suites = wire::numbers(body.vector()?);
    body.short_vector()?;
    let whole = message.len() - 4 >= declared;
    if whole && body.is_empty() {
        return Some(());
    }
    let declared = usize::from(body.number()?);
    let mut extensions = body.take_up_to(declared);
    let whole = whole && extensions.len() == declared;
    while !extensions.is_empty() {
        read_client_extension(hello, extensions.extension()?);
    }
    whole.then_some(())
}

fn read_client_extension(hello: &mut ClientHello, extension: &[u8]) {
    let Some(kind) = Cursor::new(extension).number() else {
        return;
    };
    if wire::is_grease(kind) {
        return;
    }
    hello.extensions.push(kind);
    match parse_tls_client_hello_extension(extension).map(|(_, parsed)| parsed) {
        Ok(TlsExtension::SNI(names)) => {
            hello.server_name = names.first().map(|(_, name)| host_name(name));
            hello.server_name_defect = server_name::defect(&names);
        }
        Ok(TlsExtension::SupportedVersions(versions)) => {
            hello.versions = wire::without_grease(versions.into_iter().map(u16::from));
        }
        Ok(TlsExtension::EllipticCurves(groups)) => {
            hello.groups = wire::without_grease(groups.into_iter().map(|group| group.0));
        }
        Ok(TlsExtension::SignatureAlgorithms(schemes)) => {
            hello.signature_schemes = wire::without_grease(schemes)
        }
        Ok(TlsExtension::ALPN(protocols)) => {
            hello.first_alpn_ends = protocols
                .first()
                .and_then(|first| Some((*first.first()?, *first.last()?)));
            hello.alpn = protocols.into_iter().map(wire::printable).collect();
        }
        Ok(TlsExtension::SessionTicket(ticket)) => hello.has_session_ticket = !ticket.is_empty(),
        Ok(TlsExtension::PreSharedKey(_)) => hello.has_psk = true,
        _ => {}
    }
}

fn read_server_extensions(hello: &mut ServerHello, chosen: &TlsServerHelloContents<'_>) {
    let mut extensions = Cursor::new(chosen.ext.unwrap_or_default());
    while let Some(extension) = extensions.extension() {
        match parse_tls_server_hello_extension(extension).map(|(_, parsed)| parsed) {
            Ok(TlsExtension::SupportedVersions(versions)) => {
                hello.version = versions.first().map_or(hello.version, |version| version.0);
            }
            Ok(TlsExtension::KeyShare(share)) => hello.group = Cursor::new(share).number(),
            Ok(TlsExtension::PreSharedKey(_)) => hello.psk_accepted = true,
            Ok(TlsExtension::ALPN(protocols)) => {
                hello.alpn = protocols.first().map(|name| wire::printable(name))
            }
            _ => {}
        }
    }
}

/// RFC 8422 section 5.4. Only behind an ECDHE suite does the message begin with a curve.
fn named_curve(cipher_suite: u16, key_exchange: &[u8]) -> Option<u16> {
    const NAMED_CURVE: u8 = 3;
    let suite = TlsCipherSuite::from_id(cipher_suite)?;
    let begins_with_a_curve =
        matches!(suite.kx, TlsCipherKx::Ecdhe | TlsCipherKx::Aecdh) && suite.au != TlsCipherAu::Psk;
    match split_header(key_exchange)? {
        (TlsHandshakeType::ServerKeyExchange, _, [NAMED_CURVE, high, low, ..])
            if begins_with_a_curve =>
        {
            Some(u16::from_be_bytes([*high, *low]))
        }
        _ => None,
    }
}

fn whole_body(message: &[u8], expected: TlsHandshakeType) -> Option<&[u8]> {
    let (kind, declared, body) = split_header(message)?;
    if kind != expected {
        return None;
    }
    body.get(..declared)
}

fn split_header(message: &[u8]) -> Option<(TlsHandshakeType, usize, &[u8])> {
    let ([kind, high, middle, low], body) = message.split_first_chunk()?;
    let declared = usize::from(*high) << 16 | usize::from(*middle) << 8 | usize::from(*low);
    Some((TlsHandshakeType(*kind), declared, body))
}

fn host_name(name: &[u8]) -> String {
    wire::printable(&name.to_ascii_lowercase())
}
