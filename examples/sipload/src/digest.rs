//! Digest authentication as a client (RFC 7616, RFC 8760, RFC 3261 22). A nonce is used again with
//! a rising count until the server challenges anew.

use crate::failure::Failure;
use bytes::Bytes;
use ezk_sip_types::header::HeaderParse;
use ezk_sip_types::header::typed::{
    Algorithm as Named, AlgorithmValue, AuthChallenge, DigestChallenge, QopOption,
};
use md5::Md5;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The digest algorithms that are supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Algorithm {
    /// MD5.
    Md5,
    /// SHA-256.
    #[value(name = "sha-256")]
    Sha256,
}

/// Credentials for one challenge, for any number of requests.
pub struct Credentials {
    header: &'static str,
    algorithm: Algorithm,
    challenge: DigestChallenge,
    user: String,
    ha1: String,
    cnonce: String,
    count: u32,
}

/// What a challenge is answered with.
#[derive(Clone, Copy)]
pub struct Login<'a> {
    /// The user's name.
    pub user: &'a str,
    /// The user's password.
    pub password: &'a str,
    /// The only algorithm to use; `None`: the first of the server's that is supported (RFC 7616
    /// 3.7).
    pub algorithm: Option<Algorithm>,
    /// The client's nonce.
    pub cnonce: &'a str,
}

impl Credentials {
    /// Credentials for the first of these challenges that can be answered, to be sent in the header
    /// field `header`.
    ///
    /// # Errors
    /// [`Failure::Challenge`] when none of them can be answered.
    pub fn answer<'a>(
        challenges: impl Iterator<Item = &'a str>,
        header: &'static str,
        login: Login<'_>,
    ) -> Result<Self, Failure> {
        let (algorithm, challenge) = challenges
            .filter_map(parse)
            .find(|(algorithm, _)| login.algorithm.is_none_or(|only| only == *algorithm))
            .ok_or(Failure::Challenge(
                "no digest with qop auth and the algorithm chosen is offered",
            ))?;
        let realm: &str = &challenge.realm;
        let Login { user, password, .. } = login;
        Ok(Self {
            ha1: algorithm.hash(&format!("{user}:{realm}:{password}")),
            header,
            algorithm,
            user: user.to_owned(),
            cnonce: login.cnonce.to_owned(),
            count: 0,
            challenge,
        })
    }

    /// The header line with its CRLF for the next request, which has this method and Request-URI.
    pub fn header_line(&mut self, method: &str, uri: &str) -> String {
        self.count += 1;
        let (header, user, cnonce) = (self.header, &self.user, &self.cnonce);
        let realm: &str = &self.challenge.realm;
        let nonce: &str = &self.challenge.nonce;
        let algorithm = self.algorithm.name();
        let count = format!("{:08x}", self.count);
        let response = response(
            self.algorithm,
            &self.ha1,
            [nonce, &count, cnonce],
            method,
            uri,
        );
        let mut line = format!(
            "{header}: Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", \
             uri=\"{uri}\", response=\"{response}\", algorithm={algorithm}, cnonce=\"{cnonce}\", \
             qop=auth, nc={count}"
        );
        if let Some(opaque) = &self.challenge.opaque {
            let opaque: &str = opaque;
            // Writing to memory does not fail.
            let _ = write!(line, ", opaque=\"{opaque}\"");
        }
        line.push_str("\r\n");
        line
    }
}

impl Algorithm {
    /// Its name in header fields.
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    fn hash(self, text: &str) -> String {
        match self {
            Self::Md5 => hex(&Md5::digest(text)),
            Self::Sha256 => hex(&Sha256::digest(text)),
        }
    }
}

/// The response with qop `auth` (RFC 7616 3.4.1), from nonce, count and cnonce.
fn response(
    algorithm: Algorithm,
    ha1: &str,
    [nonce, count, cnonce]: [&str; 3],
    method: &str,
    uri: &str,
) -> String {
    let ha2 = algorithm.hash(&format!("{method}:{uri}"));
    algorithm.hash(&format!("{ha1}:{nonce}:{count}:{cnonce}:auth:{ha2}"))
}

fn parse(value: &str) -> Option<(Algorithm, DigestChallenge)> {
    let bytes = Bytes::copy_from_slice(value.as_bytes());
    let text = str::from_utf8(&bytes).ok()?;
    let Ok((_, AuthChallenge::Digest(challenge))) = AuthChallenge::parse(&bytes, text) else {
        return None;
    };
    let algorithm = match &challenge.algorithm {
        Named::AlgorithmValue(AlgorithmValue::MD5) => Algorithm::Md5,
        Named::AlgorithmValue(AlgorithmValue::SHA256) => Algorithm::Sha256,
        _ => return None,
    };
    let has_auth = challenge
        .qop
        .iter()
        .any(|qop| matches!(qop, QopOption::Auth));
    has_auth.then_some((algorithm, challenge))
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to memory does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const MD5: &str = "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", \
        algorithm=MD5, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
        opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
    const LOGIN: Login<'_> = Login {
        user: "Mufasa",
        password: "Circle of Life",
        algorithm: None,
        cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    };

    fn answer(challenges: &[&str], algorithm: Option<Algorithm>) -> Result<String, Failure> {
        let login = Login { algorithm, ..LOGIN };
        let challenges = challenges.iter().copied();
        let mut credentials = Credentials::answer(challenges, "Authorization", login)?;
        Ok(credentials.header_line("GET", "/dir/index.html"))
    }

    #[test]
    fn the_examples_of_rfc_7616_are_answered() {
        let sha = MD5.replace("MD5", "SHA-256");
        for (challenge, response) in [
            (MD5, "8ca523f5e9506fed4657c9700eebdbec"),
            (
                &sha,
                "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            ),
        ] {
            let line = answer(&[challenge], None).unwrap();
            assert!(line.contains(&format!("response=\"{response}\"")), "{line}");
            assert!(line.contains("nc=00000001") && line.contains("opaque=\"FQhe"));
            assert!(line.starts_with("Authorization: Digest ") && line.ends_with("\"\r\n"));
        }
    }

    #[test]
    fn the_servers_first_choice_is_used_unless_an_algorithm_is_given() {
        let sha = MD5.replace("MD5", "SHA-256");
        let line = answer(&[&sha, MD5], None).unwrap();
        assert!(line.contains("algorithm=SHA-256"));
        let line = answer(&[&sha, MD5], Some(Algorithm::Md5)).unwrap();
        assert!(line.contains("algorithm=MD5"));
    }

    #[test]
    fn challenges_that_are_not_supported_are_skipped() {
        let unknown = MD5.replace("MD5", "SHA-512-256");
        let no_qop = MD5.replace("qop=\"auth, auth-int\", ", "");
        let line = answer(&["Basic realm=\"a\"", &unknown, &no_qop, MD5], None).unwrap();
        assert!(line.contains("algorithm=MD5"));
        let failure = answer(&[&unknown, &no_qop], None).unwrap_err();
        assert!(matches!(failure, Failure::Challenge(_)));
    }

    #[test]
    fn a_nonce_is_used_again_with_a_rising_count() {
        let mut credentials =
            Credentials::answer([MD5].into_iter(), "Authorization", LOGIN).unwrap();
        let first = credentials.header_line("GET", "/");
        let second = credentials.header_line("GET", "/");
        assert!(first.contains("nc=00000001") && second.contains("nc=00000002"));
        let response = |line: &str| line.split("response=").nth(1).unwrap()[..34].to_owned();
        assert_ne!(response(&first), response(&second));
    }
}
