//! Names for the numbers of TLS, as IANA's registries and RFCs give them; unknown numbers are shown
//! as numbers.

use std::borrow::Cow;

use tls_parser::TlsCipherSuite;

/// IANA "TLS Supported Groups" 1 to 22.
const EARLY_CURVES: [&str; 22] = [
    "sect163k1",
    "sect163r1",
    "sect163r2",
    "sect193r1",
    "sect193r2",
    "sect233k1",
    "sect233r1",
    "sect239k1",
    "sect283k1",
    "sect283r1",
    "sect409k1",
    "sect409r1",
    "sect571k1",
    "sect571r1",
    "secp160k1",
    "secp160r1",
    "secp160r2",
    "secp192k1",
    "secp192r1",
    "secp224k1",
    "secp224r1",
    "secp256k1",
];

/// The version, such as `TLSv1.3`; an unknown one as `0x7f1c`.
pub(crate) fn version_name(version: u16) -> Cow<'static, str> {
    let name = match version {
        0x0002 => "SSLv2",
        0x0300 => "SSLv3",
        0x0301 => "TLSv1.0",
        0x0302 => "TLSv1.1",
        0x0303 => "TLSv1.2",
        0x0304 => "TLSv1.3",
        _ => return hex(version),
    };
    Cow::Borrowed(name)
}

/// The cipher suite, such as `TLS_AES_128_GCM_SHA256`; an unknown one as `0x1399`.
pub(crate) fn cipher_suite_name(cipher_suite: u16) -> Cow<'static, str> {
    TlsCipherSuite::from_id(cipher_suite)
        .map_or_else(|| hex(cipher_suite), |suite| Cow::Borrowed(suite.name))
}

/// The group of a key exchange, such as `x25519`; an unknown one as `0x2a2b`.
pub(crate) fn group_name(group: u16) -> Cow<'static, str> {
    let name = match group {
        1..=22 => EARLY_CURVES[usize::from(group) - 1],
        23 => "secp256r1",
        24 => "secp384r1",
        25 => "secp521r1",
        26 => "brainpoolP256r1",
        27 => "brainpoolP384r1",
        28 => "brainpoolP512r1",
        29 => "x25519",
        30 => "x448",
        31 => "brainpoolP256r1tls13",
        32 => "brainpoolP384r1tls13",
        33 => "brainpoolP512r1tls13",
        41 => "curveSM2",
        0x0100 => "ffdhe2048",
        0x0101 => "ffdhe3072",
        0x0102 => "ffdhe4096",
        0x0103 => "ffdhe6144",
        0x0104 => "ffdhe8192",
        0x0200 => "MLKEM512",
        0x0201 => "MLKEM768",
        0x0202 => "MLKEM1024",
        0x11eb => "SecP256r1MLKEM768",
        0x11ec => "X25519MLKEM768",
        0x11ed => "SecP384r1MLKEM1024",
        _ => return hex(group),
    };
    Cow::Borrowed(name)
}

/// The alert of RFC 8446 section 6, RFC 5246 section 7.2, RFC 6066, RFC 7301 and RFC 7507; else
/// `alert_NN`.
pub(crate) fn alert_name(description: u8) -> Cow<'static, str> {
    let name = match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => return Cow::Owned(format!("alert_{description}")),
    };
    Cow::Borrowed(name)
}

fn hex(number: u16) -> Cow<'static, str> {
    Cow::Owned(format!("0x{number:04x}"))
}
