//! A request with the header fields that all requests must have (RFC 3261 8.2, 16.3 step 1,
//! 18.2.1).

use std::borrow::Cow;
use std::net::SocketAddr;

use sipward::sip::{CSeq, Header, Message, Name, NameAddr, Problem, Uri, Via, call_id, tokens};

use super::status::Refusal;
use super::text::{Output, push_ip, push_number};

/// Bytes of a Call-ID and of a tag, because the switch keeps them for each call and binding. Beyond:
/// 400.
const MAX_CALL_ID_LEN: usize = 1024;
const MAX_TAG_LEN: usize = 512;

/// A request whose identifying fields have been read. What a dialog's other end decides, such as the
/// URIs in From and To, is read only where it is needed.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) message: &'a Message,
    pub(super) method: &'a str,
    /// The Request-URI as it was sent.
    pub(super) uri: &'a str,
    pub(super) via: Via<'a>,
    /// The branch of the topmost Via; empty if there is none (RFC 2543).
    pub(super) branch: Cow<'a, str>,
    /// Whether the branch identifies the transaction (RFC 3261 8.1.1.7).
    pub(super) has_magic_cookie: bool,
    /// The first Via field with `received` and `rport` filled in (RFC 3261 18.2.1, RFC 3581 4).
    pub(super) via_field: Cow<'a, [u8]>,
    /// Whether older Vias stand in the topmost field.
    shares_via_field: bool,
    pub(super) from: NameAddr<'a>,
    /// Empty only if the request has no magic cookie: clients of RFC 2543 need not write one.
    pub(super) from_tag: Cow<'a, str>,
    pub(super) to: NameAddr<'a>,
    /// `None` outside a dialog.
    pub(super) to_tag: Option<Cow<'a, str>>,
    pub(super) call_id: &'a str,
    pub(super) cseq: CSeq<'a>,
}

impl<'a> Request<'a> {
    /// Reads the fields by which transactions and dialogs are told apart. Refuses with the status
    /// that names the first one that is missing, repeated or unreadable.
    pub(super) fn read(message: &'a Message, peer: SocketAddr) -> Result<Request<'a>, Refusal> {
        if let Some(defect) = message.defect() {
            let (status, phrase) = defect.status();
            return Err(Refusal::because(status, phrase));
        }
        // A message without a method is a response, which is not read here.
        let method = message.method().unwrap_or_default();
        if is_misspelt(method) {
            return Err(Refusal::because(400, "Bad Method"));
        }
        let uri = message
            .request_uri()
            .ok_or_else(|| Refusal::unreadable("Request-URI", Problem::Uri))?;
        let top = message
            .header(Name::Via)
            .ok_or_else(|| Refusal::missing("Via"))?;
        let unreadable = |name: Name| move |problem| Refusal::unreadable(name.as_str(), problem);
        let (via, others) = Via::first(top.value).map_err(unreadable(Name::Via))?;
        // This field is written anew, so all of it has to be readable.
        let mut rest = others;
        while let Some(value) = rest {
            (_, rest) = Via::first(value).map_err(unreadable(Name::Via))?;
        }
        let from = single(message, Name::From)?;
        let from = NameAddr::parse(from).map_err(unreadable(Name::From))?;
        let to = single(message, Name::To)?;
        let to = NameAddr::parse(to).map_err(unreadable(Name::To))?;
        let call_id = call_id(single(message, Name::CallId)?).map_err(unreadable(Name::CallId))?;
        if call_id.len() > MAX_CALL_ID_LEN {
            return Err(Refusal::because(400, "Call-ID Too Long"));
        }
        let cseq = single(message, Name::CSeq)?;
        let cseq = CSeq::parse(cseq).map_err(unreadable(Name::CSeq))?;
        if cseq.method != method {
            return Err(Refusal::because(400, "CSeq Method Mismatch"));
        }
        let has_magic_cookie = via.has_magic_cookie();
        let from_tag = match tag(&from, Name::From)? {
            Some(tag) => tag,
            None if has_magic_cookie => return Err(Refusal::missing("From Tag")),
            None => Cow::Borrowed(""),
        };
        Ok(Request {
            message,
            method,
            uri,
            via_field: with_source(&via, others, &top, peer),
            shares_via_field: others.is_some(),
            branch: via.branch().unwrap_or_default(),
            has_magic_cookie,
            via,
            from,
            from_tag,
            to_tag: tag(&to, Name::To)?,
            to,
            call_id,
            cseq,
        })
    }

    /// Bytes of start line and headers.
    pub(super) fn head_len(&self) -> usize {
        self.message.head().len()
    }

    /// The Request-URI. Refuses with 416 what is neither sip nor sips.
    pub(super) fn target(&self) -> Result<Uri<'a>, Refusal> {
        let uri = Uri::parse(self.uri);
        let uri = uri.map_err(|problem| Refusal::unreadable("Request-URI", problem))?;
        match uri.sip() {
            Some(_) => Ok(uri),
            None => Err(Refusal::new(416)),
        }
    }

    /// Whether the Request-URI is sips; then no hop of its way may be without TLS (RFC 5630).
    pub(super) fn is_sips(&self) -> bool {
        let scheme = self.uri.split_once(':').map(|(scheme, _)| scheme);
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("sips"))
    }

    /// The URI of From; `None` if it cannot be read, and then it names no account of ours.
    pub(super) fn sender(&self) -> Option<Uri<'a>> {
        Uri::parse(self.from.uri).ok()
    }

    /// Whether it came through another proxy.
    pub(super) fn has_older_vias(&self) -> bool {
        self.shares_via_field || self.message.all(Name::Via).nth(1).is_some()
    }

    /// Whether it claims to be within a dialog.
    pub(super) fn has_to_tag(&self) -> bool {
        self.to_tag.is_some()
    }

    pub(super) fn to_tag(&self) -> &str {
        self.to_tag.as_deref().unwrap_or_default()
    }
}

/// Whether some phones would take the method for another one. Methods have case (RFC 3261 7.1), yet
/// there are phones that act on a `bye`, or a `BY`, as on a BYE.
fn is_misspelt(method: &str) -> bool {
    macro_rules! known {
        ($($name:literal)+) => {
            // The compiler makes one comparison of this for each length.
            !matches!(method, $($name)|+) && [$($name),+].iter().any(|name| {
                let start = name.get(..method.len());
                start.is_some_and(|start| start.eq_ignore_ascii_case(method))
            })
        };
    }
    known!("INVITE" "ACK" "BYE" "CANCEL" "REGISTER" "OPTIONS" "PRACK" "UPDATE" "INFO" "MESSAGE"
        "SUBSCRIBE" "NOTIFY" "REFER" "PUBLISH")
}

/// The value of a header that has to be there exactly once.
fn single(message: &Message, name: Name) -> Result<&[u8], Refusal> {
    let mut all = message.all(name);
    let header = all.next();
    let header = header.ok_or_else(|| Refusal::missing(name.as_str()))?;
    match all.next() {
        None => Ok(header.value),
        Some(_) => Err(Refusal::repeated(name.as_str())),
    }
}

/// The option tags of all headers of that name.
pub(super) fn option_tags<'a>(request: &Request<'a>, name: Name) -> Result<Vec<&'a str>, Refusal> {
    let values = request.message.all(name).map(|header| header.value);
    values
        .flat_map(tokens)
        .collect::<Result<_, _>>()
        .map_err(|problem| Refusal::unreadable(name.as_str(), problem))
}

/// Refuses with 420 if there is any of these option tags.
pub(super) fn refuse_tags(unsupported: Vec<&str>) -> Result<(), Refusal> {
    match unsupported.is_empty() {
        true => Ok(()),
        false => Err(Refusal::new(420).with("Unsupported", &unsupported.join(", "))),
    }
}

/// The tag of a From or To as it was sent, also if it is no token. An empty one could be read as none.
fn tag<'a>(address: &NameAddr<'a>, name: Name) -> Result<Option<Cow<'a, str>>, Refusal> {
    match address.tag_text() {
        Some(tag) if tag.is_empty() => Err(match name {
            Name::From => Refusal::because(400, "Bad From Tag"),
            _ => Refusal::because(400, "Bad To Tag"),
        }),
        Some(tag) if tag.len() > MAX_TAG_LEN => Err(Refusal::because(400, "Tag Too Long")),
        tag => Ok(tag),
    }
}

/// The topmost Via field with the address that the request really came from.
fn with_source<'a>(
    via: &Via<'a>,
    others: Option<&[u8]>,
    field: &Header<'a>,
    peer: SocketAddr,
) -> Cow<'a, [u8]> {
    let ip = peer.ip().to_canonical();
    let mut stays = true;
    let params = via.params.raw();
    let mut text = Vec::with_capacity(field.raw.len() + 64);
    text.put("Via: ");
    text.extend_from_slice(via.raw[..via.raw.len() - params.len()].trim_ascii_end());
    for param in via.params.iter() {
        // A `received` from the sender is removed, because it could be false.
        if param.is("received") {
            stays = false;
            continue;
        }
        text.put(";");
        if param.is("rport") {
            // Its value is the sender's to ask for, and ours to fill in.
            stays = false;
            text.put("rport=");
            push_number(&mut text, peer.port());
        } else {
            text.extend_from_slice(param.text);
        }
    }
    if stays && via.ip() == Some(ip) {
        return Cow::Borrowed(field.raw);
    }
    text.put(";received=");
    push_ip(&mut text, ip);
    if let Some(others) = others {
        text.put(", ");
        text.extend_from_slice(others);
    }
    text.put("\r\n");
    Cow::Owned(text)
}
