//! ClientHellos no TLS library would send any more.

/// What a ClientHello offers. What is empty is left out.
#[derive(Clone, Copy)]
pub struct Offer {
    pub version: u16,
    pub suites: &'static [u16],
    pub groups: &'static [u16],
    pub signatures: &'static [u16],
    pub supported_versions: &'static [u16],
}

/// A record with this ClientHello in it, without server name.
pub fn client_hello(offer: Offer) -> Vec<u8> {
    let mut extensions = Vec::new();
    if !offer.groups.is_empty() {
        extensions.extend(extension(10, &vector16(&numbers(offer.groups))));
        extensions.extend(extension(11, &[1, 0]));
    }
    if !offer.signatures.is_empty() {
        extensions.extend(extension(13, &vector16(&numbers(offer.signatures))));
    }
    if !offer.supported_versions.is_empty() {
        let versions = numbers(offer.supported_versions);
        extensions.extend(extension(
            43,
            &[&[versions.len() as u8], &versions[..]].concat(),
        ));
        // A key share without a share: the server has to ask for one.
        extensions.extend(extension(51, &[0, 0]));
    }
    let mut body = offer.version.to_be_bytes().to_vec();
    body.extend([7; 32]);
    body.push(0);
    body.extend(vector16(&numbers(offer.suites)));
    body.extend([1, 0]);
    if !extensions.is_empty() {
        body.extend(vector16(&extensions));
    }
    let length = (body.len() as u32).to_be_bytes();
    let message = [&[1], &length[1..], &body].concat();
    [&[22, 3, 1], &vector16(&message)[..]].concat()
}

fn extension(number: u16, content: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes(), &vector16(content)[..]].concat()
}

fn vector16(content: &[u8]) -> Vec<u8> {
    [&(content.len() as u16).to_be_bytes(), content].concat()
}

fn numbers(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_be_bytes()).collect()
}
