//! ClientHellos by hand (RFC 8446 §4.1.2), for what no TLS library of today would say.

pub mod server;

pub const SERVER_NAME: u16 = 0;
pub const GROUPS: u16 = 10;
pub const SIGNATURES: u16 = 13;
pub const ALPN: u16 = 16;
pub const VERSIONS: u16 = 43;
pub const KEY_SHARE: u16 = 51;

const X25519: u16 = 29;
const ECDSA_P256: u16 = 0x0403;

/// A ClientHello to be.
#[derive(Clone)]
pub struct Hello {
    pub version: u16,
    pub suites: Vec<u16>,
    pub extensions: Vec<(u16, Vec<u8>)>,
}

impl Hello {
    /// A lawful TLS 1.3 hello that offers a group and no key for it: the answer is a
    /// HelloRetryRequest.
    pub fn without_key() -> Self {
        Self {
            version: 0x0303,
            suites: vec![0x1301, 0x1302],
            extensions: vec![
                (VERSIONS, vec![2, 3, 4]),
                (GROUPS, numbers(&[X25519])),
                (SIGNATURES, numbers(&[ECDSA_P256])),
                (KEY_SHARE, vec![0, 0]),
            ],
        }
    }

    /// The same with a key.
    pub fn with_key() -> Self {
        let mut share = vec![0, 36, 0, 29, 0, 32];
        share.extend([9; 32]);
        Self::without_key().with(KEY_SHARE, share)
    }

    /// A hello of TLS 1.2 or older, without anything newer.
    pub fn old(version: u16) -> Self {
        Self {
            version,
            suites: vec![0xc009, 0xc00a, 0x002f, 0x0035],
            extensions: vec![(GROUPS, numbers(&[23])), (11, vec![1, 0])],
        }
    }

    /// With this extension, in the place of another of its type.
    pub fn with(mut self, kind: u16, body: Vec<u8>) -> Self {
        self.extensions.retain(|(other, _)| *other != kind);
        self.extensions.push((kind, body));
        self
    }

    /// With this host name in the server_name extension (RFC 6066 §3), whatever its bytes are.
    pub fn server_name(self, name: &[u8]) -> Self {
        self.server_names(&[(0, name)])
    }

    /// With these names, each with its type; 0 is a host name.
    pub fn server_names(self, names: &[(u8, &[u8])]) -> Self {
        let names = names.iter().flat_map(|(kind, name)| {
            let mut entry = vec![*kind];
            entry.extend(vector(name.to_vec()));
            entry
        });
        self.with(SERVER_NAME, vector(names.collect()))
    }

    pub fn alpn(self, protocol: &str) -> Self {
        let mut name = vec![protocol.len() as u8];
        name.extend(protocol.as_bytes());
        self.with(ALPN, vector(name))
    }

    /// The record it goes in.
    pub fn record(&self) -> Vec<u8> {
        let mut body = self.version.to_be_bytes().to_vec();
        body.extend([7; 32]);
        body.push(0);
        body.extend(numbers(&self.suites));
        body.extend([1, 0]);
        let extensions = self.extensions.iter().flat_map(|(kind, body)| {
            let mut extension = kind.to_be_bytes().to_vec();
            extension.extend(vector(body.clone()));
            extension
        });
        body.extend(vector(extensions.collect()));
        let mut message = vec![1, 0];
        message.extend(vector(body));
        let mut record = vec![22, 3, 1];
        record.extend(vector(message));
        record
    }
}

/// Behind a length of two bytes.
pub fn vector(body: Vec<u8>) -> Vec<u8> {
    let mut vector = (body.len() as u16).to_be_bytes().to_vec();
    vector.extend(body);
    vector
}

pub fn numbers(values: &[u16]) -> Vec<u8> {
    vector(
        values
            .iter()
            .flat_map(|value| value.to_be_bytes())
            .collect(),
    )
}
