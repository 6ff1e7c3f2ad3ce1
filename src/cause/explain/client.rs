//! What is told about a client certificate that was turned away.

use super::{Advice, advice};

pub(super) const MISSING: Advice = advice(
    "it was given no certificate of its own",
    "We demand a client certificate and the peer sent none. It has none installed, its \
     setting for one is off, or it has none from an authority we named. Install a \
     certificate and key on it, or make client authentication optional in the policy.",
);

pub(super) const EXPIRED: Advice = advice(
    "renew its certificate; is our clock right?",
    "The peer's client certificate has expired. Renew it on the peer, and check that \
     renewals reach it by themselves. If many peers fail at once, our own clock may be \
     wrong.",
);

pub(super) const NOT_YET_VALID: Advice = advice(
    "a clock is wrong, its issuer's or ours?",
    "The peer's client certificate is not valid yet. It was issued by a machine whose \
     clock is ahead, or our clock is behind. Set the clocks by NTP.",
);

pub(super) const UNKNOWN_ISSUER: Advice = advice(
    "self-signed, or of an authority we do not trust",
    "The peer's client certificate is self-signed, or comes from an authority that is not among our \
     trust anchors, or its intermediate certificates are missing. Add the authority to the policy's \
     trust anchors, or have the peer send its whole chain.",
);

pub(super) const REVOKED: Advice = advice(
    "revoked: give the peer a new certificate",
    "The peer's client certificate has been revoked by its authority. Somebody wanted it \
     not to be used any more: find out why before a new one is issued.",
);

pub(super) const BAD_PURPOSE: Advice = advice(
    "its certificate is not for clients",
    "The peer's certificate may not be used to authenticate a client: its extended key \
     usage lacks clientAuth. Often it is a web server's certificate used for a trunk. \
     Have one issued with clientAuth as well.",
);

pub(super) const WRONG_IDENTITY: Advice = advice(
    "its certificate names somebody else",
    "The peer's client certificate is valid and speaks for another SIP domain than the \
     one expected (RFC 5922). Have the certificate issued for the peer's domain, or \
     correct what is expected of it.",
);

pub(super) const INVALID: Advice = advice(
    "broken, or an authority's own certificate",
    "The peer's client certificate cannot be accepted for some other reason: a signature that does \
     not verify, an authority's own certificate used as a client's, a form that cannot be read. \
     Issue an end-entity certificate to the peer.",
);
