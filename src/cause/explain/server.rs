//! What is told about the certificate of a server we connected to.

use super::{Advice, advice};

pub(super) const EXPIRED: Advice = advice(
    "renew the server's certificate; is our clock right?",
    "The server's certificate has expired. Its operator has to renew it and make the \
     server load the new one, which often takes a restart. If every server looks expired, \
     our own clock is wrong.",
);

pub(super) const NOT_YET_VALID: Advice = advice(
    "a clock is wrong, its issuer's or ours?",
    "The server's certificate is not valid yet. Either it was issued by a machine whose \
     clock is ahead, or our clock is behind. Set the clocks by NTP.",
);

pub(super) const UNKNOWN_ISSUER: Advice = advice(
    "self-signed, a private authority, or no intermediates?",
    "The server's certificate does not lead to an authority we trust. It is self-signed, its \
     authority is a private one, or the server does not send its intermediate certificates. Add \
     the authority to our trust anchors, or have the server send its whole chain.",
);

pub(super) const REVOKED: Advice = advice(
    "the server's certificate was revoked",
    "The server's certificate has been revoked by its authority. Do not go on: ask its \
     operator what happened and for a new one.",
);

pub(super) const BAD_PURPOSE: Advice = advice(
    "its certificate is not for servers",
    "The server's certificate may not be used to authenticate a server: its extended key \
     usage lacks serverAuth. Its operator has to have one issued with serverAuth.",
);

pub(super) const WRONG_IDENTITY: Advice = advice(
    "its certificate names another host or domain",
    "The server's certificate does not name the SIP domain we connected for (RFC 5922). \
     The domain is reached by an address or host name that is not in the certificate, or \
     only a wildcard covers it, which SIP does not accept. Connect by a name in the \
     certificate, or have the domain added to it.",
);

pub(super) const INVALID: Advice = advice(
    "broken, or an authority's own certificate",
    "The server's certificate cannot be accepted for some other reason: a signature that does not \
     verify, an authority's own certificate used as a server's, a form that cannot be read. Its \
     operator has to issue an end-entity certificate.",
);
