//! The credentials in an `Authorization` or `Proxy-Authorization` header (RFC 7616 section 3.4).
//!
//! Credentials in the form that nearly all phones write are parsed here without copying. All others
//! are parsed by `ezk-sip-types`, which also decides which ones are malformed; a test compares both
//! parsers.

use std::borrow::Cow;

use bytes::Bytes;
use ezk_sip_types::header::HeaderParse;
use ezk_sip_types::header::typed::{
    Algorithm as AlgorithmParameter, AlgorithmValue, AuthResponse, QopOption, Username,
};

use super::hash::Algorithm;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Credentials<'a> {
    /// `None` for `username*`, the form for names that are not ASCII.
    pub(super) username: Option<Cow<'a, str>>,
    pub(super) realm: Cow<'a, str>,
    pub(super) nonce: Cow<'a, str>,
    pub(super) uri: Cow<'a, str>,
    pub(super) response: Cow<'a, str>,
    /// `None` for an algorithm that this server does not implement.
    pub(super) algorithm: Option<Algorithm>,
    /// The parameters of `qop=auth`; `None` for another qop or none at all.
    pub(super) qop_auth: Option<QopAuth<'a>>,
    /// Whether the username is hashed.
    pub(super) userhash: bool,
}

/// The parameters that a client sends with `qop=auth`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct QopAuth<'a> {
    pub(super) cnonce: Cow<'a, str>,
    pub(super) nc: u32,
}

/// Credentials that cannot be read, or lack a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

impl<'a> Credentials<'a> {
    /// Parses the text after the scheme. It must not end in white space.
    pub(super) fn parse(parameters: &'a str) -> Result<Self, Unreadable> {
        match Self::parse_plain(parameters) {
            Some(credentials) => Ok(credentials),
            None => Credentials::parse_other(parameters),
        }
    }

    /// `None` if the credentials are not in the usual form; they may still be valid.
    fn parse_plain(parameters: &'a str) -> Option<Self> {
        let (mut username, mut realm, mut nonce, mut uri, mut response) =
            (None, None, None, None, None);
        let (mut algorithm, mut qop, mut cnonce, mut nc) = ("MD5", None, None, None);
        let mut rest = parameters;
        loop {
            let (name, value, after) = parameter(rest)?;
            match name {
                "username" => username = Some(Cow::Borrowed(value)),
                "realm" => realm = Some(Cow::Borrowed(value)),
                "nonce" => nonce = Some(Cow::Borrowed(value)),
                "uri" => uri = Some(Cow::Borrowed(value)),
                "response" => response = Some(Cow::Borrowed(value)),
                "algorithm" => algorithm = value,
                "qop" => qop = Some(value),
                "cnonce" => cnonce = Some(Cow::Borrowed(value)),
                "nc" => nc = Some(u32::from_str_radix(value, 16).ok()?),
                "opaque" => {}
                _ => return None,
            }
            if after.is_empty() {
                break;
            }
            rest = after.strip_prefix(',')?;
        }
        let algorithm = match algorithm {
            "MD5" => Algorithm::Md5,
            "SHA-256" => Algorithm::Sha256,
            _ => return None,
        };
        let qop_auth = match qop? {
            "auth" => QopAuth {
                cnonce: cnonce?,
                nc: nc?,
            },
            _ => return None,
        };
        Some(Self {
            username: Some(username?),
            realm: realm?,
            nonce: nonce?,
            uri: uri?,
            response: response?,
            algorithm: Some(algorithm),
            qop_auth: Some(qop_auth),
            userhash: false,
        })
    }

    fn parse_other(parameters: &str) -> Result<Credentials<'static>, Unreadable> {
        // The parser slices the algorithm at byte offsets, which is safe in ASCII
        // only; other characters would need `username*`, which is not offered.
        if !parameters.is_ascii() {
            return Err(Unreadable);
        }
        let source = Bytes::from(format!("Digest {parameters}"));
        let text = str::from_utf8(&source).map_err(|_| Unreadable)?;
        let Ok(("", AuthResponse::Digest(digest))) = AuthResponse::parse(&source, text) else {
            return Err(Unreadable);
        };
        let owned = |text: &str| Cow::Owned(text.to_owned());
        Ok(Credentials {
            username: match &digest.username {
                Username::Username(username) => Some(owned(username)),
                Username::UsernameNonASCII(_) => None,
            },
            realm: owned(&digest.realm),
            nonce: owned(&digest.nonce),
            uri: owned(&digest.uri),
            response: owned(&digest.response),
            algorithm: match digest.algorithm {
                AlgorithmParameter::AlgorithmValue(AlgorithmValue::MD5) => Some(Algorithm::Md5),
                AlgorithmParameter::AlgorithmValue(AlgorithmValue::SHA256) => {
                    Some(Algorithm::Sha256)
                }
                _ => None,
            },
            qop_auth: digest
                .qop_response
                .filter(|response| response.qop == QopOption::Auth)
                .map(|response| QopAuth {
                    cnonce: owned(&response.cnonce),
                    nc: response.nc,
                }),
            userhash: digest.userhash,
        })
    }
}

/// Splits off one `name=value`: the name, the value without quotes, and the rest after white space.
fn parameter(text: &str) -> Option<(&str, &str, &str)> {
    let text = text.trim_start_matches(is_space);
    let (name, rest) = text.split_at(token_len(text));
    let rest = rest.strip_prefix('=')?;
    let (value, rest) = match rest.strip_prefix('"') {
        Some(quoted) => {
            let end = memchr::memchr2(b'"', b'\\', quoted.as_bytes())?;
            (&quoted[..end], quoted[end..].strip_prefix('"')?)
        }
        None => rest.split_at(token_len(rest)),
    };
    let plain = !value.is_empty() && value.is_ascii();
    plain.then_some((name, value, rest.trim_start_matches(is_space)))
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

/// The length of the token at the start of the text.
fn token_len(text: &str) -> usize {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-.!%*_`'~+".contains(&byte);
    let end = text.bytes().position(|byte| !is_token(byte));
    end.unwrap_or(text.len())
}

#[cfg(test)]
mod tests;
