//! The Path of a REGISTER that came through other proxies (RFC 3327): requests to the phone take it
//! back as their Route.

use sipward::sip::{Header, Name, NameAddr, elements, tokens};

use super::request::Request;
use super::status::Refusal;

/// Bytes that the entries of a Path may have together. Beyond: 400.
const MAX_PATH_LEN: usize = 2048;

/// The Path of one REGISTER.
#[derive(Debug, Default)]
pub(super) struct Path {
    /// The entries in order, as one list; empty if there is none.
    pub(super) entries: String,
    has_outbound: bool,
}

impl Path {
    pub(super) fn of(request: &Request<'_>) -> Result<Path, Refusal> {
        let mut path = Path::default();
        for header in request.message.all(Name::Path) {
            for entry in elements(header.value) {
                let unreadable = |problem| Refusal::unreadable("Path", problem);
                let address = NameAddr::parse(entry).map_err(unreadable)?;
                let uri = address.parsed_uri().map_err(unreadable)?;
                let sip = uri
                    .sip()
                    .ok_or_else(|| Refusal::because(400, "Path Is No SIP URI"))?;
                path.has_outbound |= sip.param("ob").is_some();
                if !path.entries.is_empty() {
                    path.entries.push_str(", ");
                }
                path.entries.push_str(&address.to_string());
                if path.entries.len() > MAX_PATH_LEN {
                    return Err(Refusal::because(400, "Path Too Long"));
                }
            }
        }
        Ok(path)
    }

    /// Whether `reg-id` counts: the phone supports outbound, and so does its first hop. Refuses with
    /// 439 if the phone is behind a proxy that does not (RFC 5626 6).
    pub(super) fn uses_outbound(&self, request: &Request<'_>) -> Result<bool, Refusal> {
        let message = request.message;
        let option = |header: Header<'_>| {
            tokens(header.value)
                .any(|tag| tag.is_ok_and(|tag| tag.eq_ignore_ascii_case("outbound")))
        };
        if !request.has_older_vias() {
            // Phones that forget to say so are many, and nothing else is between them and us.
            return Ok(true);
        }
        let supports = message
            .all(Name::Supported)
            .chain(message.all(Name::Require))
            .any(option);
        if supports && !self.has_outbound && asks_for_flow(request) {
            return Err(Refusal::new(439));
        }
        Ok(supports)
    }
}

fn asks_for_flow(request: &Request<'_>) -> bool {
    let contacts = request.message.all(Name::Contact);
    contacts
        .flat_map(|contact| elements(contact.value))
        .filter_map(|contact| NameAddr::parse(contact).ok())
        .any(|contact| contact.params.has("reg-id") && contact.params.has("+sip.instance"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_entry_is_written_as_it_was_read() {
        let entry = b"<sip:token@edge.example.com;lr;ob>";
        let address = NameAddr::parse(entry).expect("an address");
        assert_eq!(address.to_string().as_bytes(), entry);
    }
}
