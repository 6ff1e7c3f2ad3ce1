//! The answer to a digest challenge, in an `Authorization` or `Proxy-Authorization` header (RFC 7616
//! section 3.4).

use std::borrow::Cow;

use sipward::sip::Credentials;

use super::hash::Algorithm;

/// What the credentials say. Each parameter that is missing is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer<'a> {
    pub(super) username: Cow<'a, str>,
    pub(super) realm: Cow<'a, str>,
    pub(super) nonce: Cow<'a, str>,
    pub(super) uri: Cow<'a, str>,
    pub(super) response: Cow<'a, str>,
    pub(super) cnonce: Cow<'a, str>,
    /// The count as it was sent, since the response was made of this text.
    pub(super) nc: Cow<'a, str>,
    algorithm: Cow<'a, str>,
    qop: Cow<'a, str>,
    userhash: Cow<'a, str>,
}

impl<'a> Answer<'a> {
    pub(super) fn of(credentials: &Credentials<'a>) -> Answer<'a> {
        let value = |name| credentials.get(name).unwrap_or_default();
        Answer {
            username: value("username"),
            realm: value("realm"),
            nonce: value("nonce"),
            uri: value("uri"),
            response: value("response"),
            cnonce: value("cnonce"),
            nc: value("nc"),
            algorithm: value("algorithm"),
            qop: value("qop"),
            userhash: value("userhash"),
        }
    }

    /// Whether it answers nothing yet: phones of an IMS name their account in the first REGISTER, with
    /// a nonce and a response that are empty (3GPP TS 24.229 section 5.1.1.2).
    pub(super) fn is_empty(&self) -> bool {
        self.response.is_empty()
    }

    /// MD5 if the phone names none (RFC 7616 section 3.3); `None` for one that this server does not
    /// implement.
    pub(super) fn algorithm(&self) -> Option<Algorithm> {
        if self.algorithm.is_empty() {
            return Some(Algorithm::Md5);
        }
        Algorithm::PREFERENCE
            .into_iter()
            .find(|known| self.algorithm.eq_ignore_ascii_case(known.name()))
    }

    /// The count, if the answer is one with `qop=auth` and complete.
    pub(super) fn count(&self) -> Option<u32> {
        let is_complete = self.qop.eq_ignore_ascii_case("auth")
            && !self.username.is_empty()
            && !self.cnonce.is_empty()
            && !self.userhash.eq_ignore_ascii_case("true");
        let is_hexadecimal = self.nc.bytes().all(|byte| byte.is_ascii_hexdigit());
        let count = u32::from_str_radix(&self.nc, 16).ok();
        count.filter(|_| is_complete && is_hexadecimal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: &str = "Digest username=\"alice\", realm=\"example.com\", nonce=\"00ff\", \
        uri=\"sip:example.com\", response=\"0123\", algorithm=MD5, cnonce=\"c\", qop=auth, nc=00000001";

    fn read(text: &str) -> Answer<'_> {
        Answer::of(&Credentials::parse(text.as_bytes()).expect("credentials"))
    }

    #[test]
    fn what_phones_write_differently_means_the_same() {
        let usual = read(USUAL);
        assert_eq!(usual.count(), Some(1));
        assert_eq!(usual.algorithm(), Some(Algorithm::Md5));
        for (from, to) in [
            ("username=", "USERNAME ="),
            ("\"alice\"", "\"al\\ice\""),
            ("\"alice\"", "alice"),
            ("username=", ", ,username="),
            ("username=", "opaque=\"\", auts=\"\", username="),
            (", ", ",\r\n\t"),
            ("uri=\"sip:example.com\"", "uri=sip:example.com"),
        ] {
            let text = USUAL.replacen(from, to, 1);
            assert_eq!(read(&text), usual, "{text}");
        }
        let text = USUAL.replace("MD5", "md5").replace("=auth", "=\"AUTH\"");
        assert_eq!(read(&text).count(), Some(1));
        assert_eq!(read(&text).algorithm(), Some(Algorithm::Md5));
    }

    #[test]
    fn an_answer_without_what_the_response_is_made_of_has_no_count() {
        for (from, to) in [
            ("qop=auth,", ""),
            ("qop=auth", "qop=auth-int"),
            ("cnonce=\"c\"", "cnonce=\"\""),
            ("username=", "username*="),
            ("username=", "userhash=true, username="),
            ("nc=00000001", "nc=x"),
            ("nc=00000001", "nc=1ffffffff"),
            ("nc=00000001", "nc=\"+1\""),
            (", nc=00000001", ""),
        ] {
            let text = USUAL.replacen(from, to, 1);
            assert_eq!(read(&text).count(), None, "{text}");
        }
    }
}
