//! What is told about a connection of ours that never reached TLS.

use super::{Advice, advice};

pub(super) const DNS_NOT_FOUND: Advice = advice(
    "a typing mistake, or a record is missing",
    "The name does not exist in DNS, or has no address. Check the spelling, and that the \
     resolver this machine uses sees the same zone as you do (internal names, split DNS).",
);

pub(super) const DNS_TIMEOUT: Advice = advice(
    "the name server does not answer",
    "The name server did not answer in time. It is down or overloaded, or a firewall \
     drops DNS. Ask it by hand from the same machine (dig).",
);

pub(super) const DNS_FAILED: Advice = advice(
    "the name server answered with an error",
    "The name server answered with an error, SERVFAIL or REFUSED say. The zone is broken, \
     DNSSEC fails, or this machine may not ask that server. Ask another resolver and \
     compare.",
);

pub(super) const CONNECT_REFUSED: Advice = advice(
    "nothing listens there: wrong port, or down?",
    "The other machine is there and nothing listens on that port. The SIP server is down, \
     its TLS is switched off, or the port is wrong (TLS is usually 5061, not 5060). Look \
     there what listens.",
);

pub(super) const CONNECT_TIMEOUT: Advice = advice(
    "a firewall drops it, or the host is down",
    "Our connection request was not answered at all. A firewall drops it, the host is \
     down, or the address is old. Try the same address and port from another network.",
);

pub(super) const CONNECT_UNREACHABLE: Advice = advice(
    "no route there: VPN down, or no IPv6?",
    "There is no route to the address. A VPN or link is down, or the name has an IPv6 \
     address and this machine no IPv6. Look at the routes, and try the other address \
     family.",
);
