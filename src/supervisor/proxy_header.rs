//! Behind a load balancer: reads the PROXY header of a connection before the connection is admitted.
//!
//! The header is read in a task of the connection's own, under its own deadline, never in the accept
//! loop. The connection enters the ledger only afterwards. A connection whose header fails is reported
//! with the load balancer's address.

use super::ingress::{AcceptorContext, Addresses};
use crate::admission::{Refusal, Waiting};
use crate::cause::RefusalCause;
use crate::clock::MAX_DURATION;
use crate::session::{Application, Lifecycle};
use crate::transport::Transport;
use crate::transport::proxy_protocol::{LONGEST, Parsed, PrefixedStream, ProxyHeader, parse};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// How often a connection that waits for its header checks whether the supervisor shuts down.
const SHUTDOWN_CHECK_INTERVAL: Duration = Duration::from_millis(250);

pub(super) const fn untrusted() -> Refusal {
    Refusal {
        cause: RefusalCause::ProxyHeaderUntrusted,
        limit: 0,
        current: 0,
    }
}

/// Reads the header, then admits the connection as if the peer had connected itself. A shutdown waits
/// for the connection from this call on, not only from the first poll of the returned future.
pub(super) fn read_header<T: Transport, A: Application>(
    context: Arc<AcceptorContext<A>>,
    stream: T,
    addresses: Addresses,
) -> impl Future<Output = ()> + Send + 'static {
    // Dropped last in every case, because a shutdown waits for it.
    let pending = PendingProxyHeader {
        waiting: Some(context.admission.wait()),
        context,
        addresses,
        refusal: Some(refusal(RefusalCause::ProxyHeaderInvalid, 0)),
    };
    async move {
        let mut pending = pending;
        let mut stream = stream;
        match read(&mut stream, &pending.context).await {
            Ok((header, prefix)) => {
                pending.refusal = None;
                let (peer, local) = match header {
                    ProxyHeader::Proxied(peer, local) => (peer, local),
                    // The load balancer connects for itself, as for a health check.
                    ProxyHeader::Local => (addresses.peer, addresses.local),
                };
                let addresses = Addresses {
                    peer,
                    local,
                    ..addresses
                };
                let stream = PrefixedStream { prefix, stream };
                pending.context.admit(stream, addresses);
            }
            Err(refusal) => {
                drop(stream);
                pending.refusal = Some(refusal);
            }
        }
    }
}

/// Reports the refusal of a connection whose header fails, even if its task is dropped.
struct PendingProxyHeader<A: Application> {
    context: Arc<AcceptorContext<A>>,
    addresses: Addresses,
    refusal: Option<Refusal>,
    waiting: Option<Waiting>,
}

impl<A: Application> Drop for PendingProxyHeader<A> {
    fn drop(&mut self) {
        if let Some(refusal) = self.refusal.take() {
            self.context.refuse(self.addresses, refusal);
        }
        self.waiting = None;
        // Wakes a shutdown that may have waited for this connection alone.
        self.context.report(Lifecycle::ProxyHeaderSettled);
    }
}

/// The header and what was read after it.
async fn read<T: Transport, A: Application>(
    stream: &mut T,
    context: &AcceptorContext<A>,
) -> Result<(ProxyHeader, Vec<u8>), Refusal> {
    let clock = &context.session.clock;
    let limit = context
        .proxy_protocol
        .as_ref()
        .map_or(Duration::ZERO, |rule| rule.deadline.min(MAX_DURATION));
    let deadline = clock.now() + limit;
    let mut timer = clock.timer();
    let mut buffer = Vec::new();
    loop {
        if context.admission.is_closed() {
            return Err(Refusal {
                cause: RefusalCause::Draining,
                limit: 0,
                current: context.admission.open() as u64,
            });
        }
        timer.set(Some(deadline.min(clock.now() + SHUTDOWN_CHECK_INTERVAL)));
        let mut more = [0; LONGEST];
        let room = LONGEST - buffer.len();
        let read = poll_fn(
            |cx| match Pin::new(&mut *stream).poll_read(cx, &mut more[..room]) {
                Poll::Ready(read) => Poll::Ready(Some(read)),
                Poll::Pending => timer.poll(cx).map(|()| None),
            },
        )
        .await;
        match read {
            Some(Ok(count)) if count > 0 => buffer.extend_from_slice(&more[..count]),
            Some(_) => return Err(refusal(RefusalCause::ProxyHeaderInvalid, buffer.len())),
            None if clock.now() >= deadline => {
                return Err(Refusal {
                    cause: RefusalCause::ProxyHeaderTimeout,
                    limit: limit.as_millis() as u64,
                    current: limit.as_millis() as u64,
                });
            }
            None => continue,
        }
        match parse(&buffer) {
            Parsed::Whole(header, length) => return Ok((header, buffer.split_off(length))),
            Parsed::Incomplete if buffer.len() < LONGEST => {}
            Parsed::Incomplete | Parsed::Invalid => {
                return Err(refusal(RefusalCause::ProxyHeaderInvalid, buffer.len()));
            }
        }
    }
}

const fn refusal(cause: RefusalCause, read: usize) -> Refusal {
    Refusal {
        cause,
        limit: LONGEST as u64,
        current: read as u64,
    }
}
