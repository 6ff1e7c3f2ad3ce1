//! Reads PEM (RFC 7468) as people save it: with a byte order mark, with the line ends of any system or
//! none, with blanks and tabs, with text around the sections.

use rustls_pki_types::pem::{PemObject, SectionKind};
use std::fmt;

/// What was found where PEM of a certain kind was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FoundInstead {
    /// No PEM section.
    Nothing,
    /// Text in UTF-16, which Windows Notepad calls Unicode.
    Utf16,
    /// A binary encoding of a certificate, a key or a list: DER.
    Der,
    /// A binary container of certificates and keys: PKCS#12, in files `.p12` and `.pfx`.
    Pkcs12,
    /// A binary container of certificates: PKCS#7, in files `.p7b`.
    Pkcs7,
    /// A certificate where a private key is expected.
    Certificate,
    /// A private key where a certificate is expected.
    PrivateKey,
    /// A private key that is encrypted.
    EncryptedKey,
    /// A section of another kind, with its label.
    Section(String),
    /// A section of the right kind that is cut off or damaged.
    Damaged {
        /// The line in which it begins.
        line: usize,
    },
}

/// What sections are wanted: their labels, each with the one that has the same contents today.
type Wanted = &'static [(&'static str, &'static str)];

/// RFC 7468 section 5.1 names the older labels.
const CERTIFICATES: Wanted = &[
    ("CERTIFICATE", "CERTIFICATE"),
    ("X509 CERTIFICATE", "CERTIFICATE"),
    ("X.509 CERTIFICATE", "CERTIFICATE"),
];
const KEYS: Wanted = &[
    ("PRIVATE KEY", "PRIVATE KEY"),
    ("RSA PRIVATE KEY", "RSA PRIVATE KEY"),
    ("EC PRIVATE KEY", "EC PRIVATE KEY"),
];
const REVOCATION_LISTS: Wanted = &[("X509 CRL", "X509 CRL"), ("CRL", "X509 CRL")];

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// The certificates of a text, in DER: at least one.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<Vec<u8>>, FoundInstead> {
    sections(pem, CERTIFICATES)
}

/// The first private key of a text, in DER.
pub(super) fn key(pem: &[u8]) -> Result<Vec<u8>, FoundInstead> {
    let keys = sections(pem, KEYS)?;
    keys.into_iter().next().ok_or(FoundInstead::Nothing)
}

/// The revocation lists of a text, in DER: at least one.
pub(super) fn revocation_lists(pem: &[u8]) -> Result<Vec<Vec<u8>>, FoundInstead> {
    sections(pem, REVOCATION_LISTS)
}

impl FoundInstead {
    /// Writes what was found and what to do about it. `command` is the one of OpenSSL for what was
    /// expected.
    pub(super) fn describe(&self, f: &mut fmt::Formatter<'_>, command: &str) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("it has no line that begins with -----BEGIN"),
            Self::Utf16 => f.write_str(
                "it is UTF-16, which Windows Notepad calls Unicode; save it as UTF-8",
            ),
            Self::Der => write!(
                f,
                "it is binary (DER); convert it with `openssl {command} -inform der -in FILE -out FILE.pem`"
            ),
            Self::Pkcs12 => f.write_str(
                "it is PKCS#12; convert it with `openssl pkcs12 -in FILE -nodes -out FILE.pem`, which gives \
                 certificate and key in one file",
            ),
            Self::Pkcs7 => f.write_str(
                "it is PKCS#7; convert it with `openssl pkcs7 -inform der -print_certs -in FILE -out FILE.pem`",
            ),
            Self::Certificate => f.write_str(
                "it has a certificate; were the files of certificate and key given in each other's place?",
            ),
            Self::PrivateKey => f.write_str(
                "it has a private key; were the files of certificate and key given in each other's place?",
            ),
            Self::EncryptedKey => f.write_str(
                "it is encrypted; write it without its password with `openssl pkey -in FILE -out FILE.plain`",
            ),
            Self::Section(label) => {
                write!(f, "it has a section {label}")?;
                advice(label).map_or(Ok(()), |advice| write!(f, "; {advice}"))
            }
            Self::Damaged { line } => {
                write!(f, "the section that begins in line {line} is cut off or damaged")
            }
        }
    }
}

/// What to do with a section that is often given by mistake.
fn advice(label: &str) -> Option<&'static str> {
    Some(match label {
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => {
            "that is the request, and the authority's answer to it is the certificate"
        }
        "PKCS7" | "PKCS #7 SIGNED DATA" | "CMS" => {
            "convert it with `openssl pkcs7 -print_certs -in FILE -out FILE.pem`"
        }
        "TRUSTED CERTIFICATE" => "convert it with `openssl x509 -in FILE -out FILE.pem`",
        "OPENSSH PRIVATE KEY" => "convert a copy of it with `ssh-keygen -p -m PEM -f COPY`",
        "PUBLIC KEY" | "RSA PUBLIC KEY" => "the private key is in another file",
        _ => return None,
    })
}

/// One section.
struct Section<'a> {
    /// The label; `None` if the line is damaged.
    label: Option<&'a str>,
    /// What stands between the first and the last line; `None` if it does not end.
    body: Option<&'a str>,
    line: usize,
}

fn sections(pem: &[u8], wanted: Wanted) -> Result<Vec<Vec<u8>>, FoundInstead> {
    if let Some(instead) = no_text(pem) {
        return Err(instead);
    }
    let text = String::from_utf8_lossy(pem);
    let all = split(&text);
    let mut found = Vec::new();
    for section in &all {
        let mut labels = wanted.iter();
        let known = labels.find(|(label, _)| Some(*label) == section.label);
        if let Some((_, label)) = known {
            found.push(section.der(label)?);
        }
    }
    if found.is_empty() {
        return Err(instead_of(&all));
    }
    Ok(found)
}

/// What a file is that is not even text in a form that can be read.
fn no_text(bytes: &[u8]) -> Option<FoundInstead> {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 1..=255, ..] | [1..=255, 0, ..] => {
            Some(FoundInstead::Utf16)
        }
        // A SEQUENCE that begins with an INTEGER, a SEQUENCE or an OBJECT IDENTIFIER and fills the file.
        [0x30, ..] => {
            let (contents, length) = sequence(bytes)?;
            let fills = contents.len() == length;
            match contents {
                [2, 1, 3, ..] if fills => Some(FoundInstead::Pkcs12),
                [6, ..] if fills => Some(FoundInstead::Pkcs7),
                [2 | 0x30, ..] if fills => Some(FoundInstead::Der),
                _ => None,
            }
        }
        _ => None,
    }
}

/// What stands behind the header of a DER SEQUENCE, and how long the header says it is.
fn sequence(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let (first, rest) = bytes.get(1..)?.split_first()?;
    if *first < 0x80 {
        return Some((rest, usize::from(*first)));
    }
    let (length, contents) = rest.split_at_checked(usize::from(first & 0x7f))?;
    let length = length.iter().try_fold(0_usize, |sum, byte| {
        sum.checked_mul(256)?.checked_add(usize::from(*byte))
    })?;
    Some((contents, length))
}

/// All sections of a text. The first line of a section has only blanks in front of it, so that a comment
/// can hold a section without being one.
fn split(text: &str) -> Vec<Section<'_>> {
    let mut sections = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find(BEGIN).map(|at| from + at) {
        from = at + BEGIN.len();
        if !begins_its_line(&text[..at]) {
            continue;
        }
        let line = 1 + line_ends(&text[..at]);
        let label = text[from..].split_once(DASHES);
        let label = label
            .map(|(label, _)| label)
            .filter(|label| is_label(label));
        let body = label.and_then(|label| {
            from += label.len() + DASHES.len();
            let end = format!("{DASHES}END {label}{DASHES}");
            let (body, _) = text[from..].split_once(&end)?;
            // Another section in between means that the end belongs to that one.
            (!body.contains(DASHES)).then(|| {
                from += body.len() + end.len();
                body
            })
        });
        sections.push(Section { label, body, line });
    }
    sections
}

fn begins_its_line(before: &str) -> bool {
    let before = before.trim_end_matches(|c| is_blank(c) && !is_line_end(c));
    before.is_empty() || before.ends_with(is_line_end)
}

fn line_ends(text: &str) -> usize {
    text.replace("\r\n", "\n").matches(is_line_end).count()
}

const fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

/// Also what a copy from a web page or a file put together from several leave behind: a zero width space,
/// a byte order mark.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}')
}

fn is_label(label: &str) -> bool {
    (1..=40).contains(&label.len()) && label.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

impl Section<'_> {
    fn is_encrypted(&self) -> bool {
        self.label == Some("ENCRYPTED PRIVATE KEY")
            || self
                .body
                .is_some_and(|body| body.contains("Proc-Type:") && body.contains("ENCRYPTED"))
    }

    /// The contents, whose label today is this one.
    fn der(&self, label: &str) -> Result<Vec<u8>, FoundInstead> {
        if self.is_encrypted() {
            return Err(FoundInstead::EncryptedKey);
        }
        let damaged = FoundInstead::Damaged { line: self.line };
        let Some(body) = self.body else {
            return Err(damaged);
        };
        let base64: String = body.chars().filter(|c| !is_blank(*c)).collect();
        let pem = format!("{BEGIN}{label}{DASHES}\n{base64}\n{DASHES}END {label}{DASHES}\n");
        match <(SectionKind, Vec<u8>)>::from_pem_slice(pem.as_bytes()) {
            Ok((_, der)) if !der.is_empty() => Ok(der),
            _ => Err(damaged),
        }
    }
}

/// What to say of sections of which none was wanted.
fn instead_of(sections: &[Section<'_>]) -> FoundInstead {
    // OpenSSL writes the parameters in front of a key.
    let telling = sections.iter().find(|s| s.label != Some("EC PARAMETERS"));
    let Some(section) = telling.or(sections.first()) else {
        return FoundInstead::Nothing;
    };
    let is_in = |wanted: Wanted| {
        let mut labels = wanted.iter();
        labels.any(|(label, _)| Some(*label) == section.label)
    };
    match section.label {
        None => FoundInstead::Damaged { line: section.line },
        Some(_) if section.is_encrypted() => FoundInstead::EncryptedKey,
        Some(_) if is_in(CERTIFICATES) => FoundInstead::Certificate,
        Some(_) if is_in(KEYS) => FoundInstead::PrivateKey,
        Some(label) => FoundInstead::Section(label.to_owned()),
    }
}
