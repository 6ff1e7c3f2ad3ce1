//! Header fields of a message: their names with compact forms (RFC 3261 §7.3.3), and where each lies.

use super::lex::trim;
use super::params::lossy;
use std::borrow::Cow;
use std::fmt;

/// One header field of a message, as it stands. Nothing is copied.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// Which header it is; [`Name::Other`] for one that this library does not know.
    pub name: Name,
    /// The field with its name, its folds and its last CRLF.
    pub raw: &'a [u8],
    /// What follows the colon, without white space at its ends. Folds within it are CRLF and white space
    /// (RFC 3261 §7.3.1); all readers of this module take them as white space. Not always UTF-8.
    pub value: &'a [u8],
    name_len: u16,
}

impl<'a> Header<'a> {
    /// The name as it stands.
    pub fn name_text(&self) -> &'a str {
        let name = self.raw.get(..usize::from(self.name_len));
        // Names are tokens, which are ASCII.
        str::from_utf8(name.unwrap_or_default()).unwrap_or_default()
    }

    /// The value for people: bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> Cow<'a, str> {
        lossy(self.value)
    }
}

/// The name alone: values carry credentials.
impl fmt::Debug for Header<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header")
            .field("name", &self.name_text())
            .field("value", &format_args!("{} bytes", self.value.len()))
            .finish()
    }
}

/// Where one header field lies in its message. Offsets are below 4 GiB: a head is far smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) begin: u32,
    /// Just behind the colon.
    pub(super) value: u32,
    /// Without white space before the colon.
    pub(super) name_len: u16,
    pub(super) name: Name,
}

impl Span {
    /// The field that begins here in `head` and ends where the next one begins.
    pub(super) fn header<'a>(&self, head: &'a [u8], end: usize) -> Header<'a> {
        Header {
            name: self.name,
            raw: &head[self.begin as usize..end],
            value: trim(&head[self.value as usize..end]),
            name_len: self.name_len,
        }
    }
}

/// Header fields of a head, in order.
#[derive(Clone, Debug)]
pub(super) struct Headers<'a> {
    pub(super) head: &'a [u8],
    pub(super) spans: &'a [Span],
    /// Where the last of them ends.
    pub(super) end: usize,
}

impl<'a> Headers<'a> {
    /// The next one of that name.
    pub(super) fn next_of(&mut self, name: Name) -> Option<Header<'a>> {
        let at = self.spans.iter().position(|span| span.name == name)?;
        self.spans = &self.spans[at..];
        self.next()
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        let (span, rest) = self.spans.split_first()?;
        self.spans = rest;
        let end = rest.first().map_or(self.end, |next| next.begin as usize);
        Some(span.header(self.head, end))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.spans.len(), Some(self.spans.len()))
    }
}

impl ExactSizeIterator for Headers<'_> {}

/// From one list of names: the enum, the spelling of each, and its compact form.
macro_rules! names {
    ($($(#[$doc:meta])* $variant:ident = $long:literal $(, $compact:literal)?;)+) => {
        /// The name of a header field. Long and compact forms are the same name, in any case.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Name {
            $($(#[$doc])* $variant,)+
            /// Any other.
            Other,
        }

        impl Name {
            /// The usual spelling; empty for [`Name::Other`].
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $long,)+
                    Self::Other => "",
                }
            }

            fn compact(byte: u8) -> Self {
                match byte.to_ascii_lowercase() {
                    $($($compact => Self::$variant,)?)+
                    _ => Self::Other,
                }
            }

            const ALL: &'static [Self] = &[$(Self::$variant),+];
        }
    };
}

names! {
    /// `Accept-Contact` (RFC 3841).
    AcceptContact = "Accept-Contact", b'a';
    /// `Allow-Events` (RFC 6665).
    AllowEvents = "Allow-Events", b'u';
    /// `Authorization`.
    Authorization = "Authorization";
    /// `CSeq`.
    CSeq = "CSeq";
    /// `Call-ID`.
    CallId = "Call-ID", b'i';
    /// `Contact`.
    Contact = "Contact", b'm';
    /// `Content-Encoding`.
    ContentEncoding = "Content-Encoding", b'e';
    /// `Content-Length`.
    ContentLength = "Content-Length", b'l';
    /// `Content-Type`.
    ContentType = "Content-Type", b'c';
    /// `Event` (RFC 6665).
    Event = "Event", b'o';
    /// `Expires`.
    Expires = "Expires";
    /// `From`.
    From = "From", b'f';
    /// `Identity` (RFC 8224).
    Identity = "Identity", b'y';
    /// `Max-Forwards`.
    MaxForwards = "Max-Forwards";
    /// `Min-Expires`.
    MinExpires = "Min-Expires";
    /// `P-Asserted-Identity` (RFC 3325).
    PAssertedIdentity = "P-Asserted-Identity";
    /// `P-Preferred-Identity` (RFC 3325).
    PPreferredIdentity = "P-Preferred-Identity";
    /// `Path` (RFC 3327).
    Path = "Path";
    /// `Proxy-Authenticate`.
    ProxyAuthenticate = "Proxy-Authenticate";
    /// `Proxy-Authorization`.
    ProxyAuthorization = "Proxy-Authorization";
    /// `Proxy-Require`.
    ProxyRequire = "Proxy-Require";
    /// `Record-Route`.
    RecordRoute = "Record-Route";
    /// `Refer-To` (RFC 3515).
    ReferTo = "Refer-To", b'r';
    /// `Referred-By` (RFC 3892).
    ReferredBy = "Referred-By", b'b';
    /// `Reject-Contact` (RFC 3841).
    RejectContact = "Reject-Contact", b'j';
    /// `Remote-Party-ID`, which no RFC defines.
    RemotePartyId = "Remote-Party-ID";
    /// `Request-Disposition` (RFC 3841).
    RequestDisposition = "Request-Disposition", b'd';
    /// `Require`.
    Require = "Require";
    /// `Route`.
    Route = "Route";
    /// `Session-Expires` (RFC 4028).
    SessionExpires = "Session-Expires", b'x';
    /// `Subject`.
    Subject = "Subject", b's';
    /// `Supported`.
    Supported = "Supported", b'k';
    /// `To`.
    To = "To", b't';
    /// `Unsupported`.
    Unsupported = "Unsupported";
    /// `User-Agent`.
    UserAgent = "User-Agent";
    /// `Via`.
    Via = "Via", b'v';
    /// `WWW-Authenticate`.
    WwwAuthenticate = "WWW-Authenticate";
}

impl Name {
    /// The name that is spelled so, in any case.
    ///
    /// ```
    /// use sipward::sip::Name;
    ///
    /// assert_eq!(Name::of("VIA"), Name::Via);
    /// assert_eq!(Name::of("v"), Name::Via);
    /// assert_eq!(Name::of("X-Unknown"), Name::Other);
    /// ```
    pub fn of(text: &str) -> Self {
        Self::of_bytes(text.as_bytes())
    }

    pub(super) fn of_bytes(text: &[u8]) -> Self {
        if let [one] = text {
            return Self::compact(*one);
        }
        let name = BY_SLOT[slot(text)];
        let usual = name.as_str().as_bytes();
        // Most senders use the usual spelling, and it is compared faster.
        if usual == text || usual.eq_ignore_ascii_case(text) {
            name
        } else {
            Self::Other
        }
    }
}

const SLOTS: usize = 128;

/// Every name at its slot, so that one comparison decides. It does not compile if two names share a slot: choose
/// other factors then.
const BY_SLOT: [Name; SLOTS] = {
    let mut names = [Name::Other; SLOTS];
    let mut index = 0;
    while index < Name::ALL.len() {
        let name = Name::ALL[index];
        let slot = slot(name.as_str().as_bytes());
        assert!(matches!(names[slot], Name::Other));
        names[slot] = name;
        index += 1;
    }
    names
};

/// A number made of the length and of the first and the last letter, whose case does not count.
const fn slot(text: &[u8]) -> usize {
    let [first, .., last] = text else {
        return 0;
    };
    ((*first | 0x20) as usize + (*last | 0x20) as usize * 51 + text.len() * 6) % SLOTS
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn long_and_compact_names_are_the_same_header_in_any_case() {
        for name in Name::ALL {
            let long = name.as_str();
            assert_eq!(Name::of(long), *name);
            assert_eq!(Name::of(&long.to_ascii_uppercase()), *name);
            assert_eq!(Name::of(&long.to_ascii_lowercase()), *name);
            assert_eq!(Name::of(&format!("{long}x")), Name::Other);
        }
        for (compact, name) in [
            ("v", Name::Via),
            ("F", Name::From),
            ("t", Name::To),
            ("I", Name::CallId),
            ("m", Name::Contact),
            ("l", Name::ContentLength),
            ("k", Name::Supported),
            ("o", Name::Event),
            ("x", Name::SessionExpires),
            ("z", Name::Other),
        ] {
            assert_eq!(Name::of(compact), name);
        }
        assert_eq!(Name::of(""), Name::Other);
    }
}
