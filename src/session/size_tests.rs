//! Tests that the task of a half-open connection reserves no memory for TLS or for an established
//! session.

use super::*;
use crate::session::Discard;
use crate::transport::Tcp;

fn size_of_future<F>(_: impl FnOnce(SessionParts<Tcp, Discard>) -> F) -> usize {
    size_of::<F>()
}

#[test]
fn a_session_is_small_before_it_is_ready() {
    let session = size_of_future(run::<Tcp, Discard>);
    let handshake = size_of::<Handshake<Tcp>>();
    println!("session {session}, handshake {handshake} bytes");
    assert!(session <= 1024, "{session}");
    assert!(handshake <= 64, "{handshake}");
}

fn size_of_service<F>(
    _: impl FnOnce(
        Stream<Tcp>,
        &'static Tap<Tcp>,
        &'static Arc<Ready>,
        &'static SessionContext<Discard>,
        &'static mut Control<'static>,
    ) -> F,
) -> usize {
    size_of::<F>()
}

#[test]
fn an_established_session_is_small_beside_its_tls() {
    let service = size_of_service(serve::<Tcp, Discard>);
    println!("service {service} bytes");
    assert!(service <= 1536, "{service}");
}
