//! What a half-open connection's task holds: nothing of an established one, and no TLS.

use super::*;
use crate::application::Silent;
use async_std::net::TcpStream;

fn size_of_future<F>(_: impl FnOnce(Terms<TcpStream, Silent>) -> F) -> usize {
    size_of::<F>()
}

#[test]
fn a_session_is_small_before_it_is_ready() {
    let session = size_of_future(run::<TcpStream, Silent>);
    let handshake = size_of::<Handshake<TcpStream>>();
    println!("session {session}, handshake {handshake} bytes");
    assert!(session <= 1024, "{session}");
    assert!(handshake <= 64, "{handshake}");
}

fn size_of_service<F>(
    _: impl FnOnce(
        Stream<TcpStream>,
        &'static Tap<TcpStream>,
        &'static Arc<Ready>,
        &'static House<Silent>,
        &'static mut Control<'static>,
    ) -> F,
) -> usize {
    size_of::<F>()
}

#[test]
fn an_established_session_is_small_beside_its_tls() {
    let service = size_of_service(serve::<TcpStream, Silent>);
    println!("service {service} bytes");
    assert!(service <= 1536, "{service}");
}
