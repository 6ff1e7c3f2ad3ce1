//! The floor on tokio, tokio-rustls and the current rustls, with ring as on sipward's own stack. It
//! shows what the other floor owes to its stack.

use sipward_compare::RequestReader;
use std::error::Error;
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::NoServerSessionStorage;
use tokio_rustls::rustls::{ServerConfig, version};
use tokio_rustls::{Accept, TlsAcceptor};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let [certificate, key] = sipward_compare::identity()?;
    let chain = CertificateDer::pem_slice_iter(&certificate).collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(&key)?;
    let provider = Arc::new(ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    // The same settings as sipward's: one ticket, no stored sessions.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = ring::Ticketer::new()?;
    config.send_tls13_tickets = 1;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::from_std(sipward_compare::listen()?)?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(answer_requests(acceptor.accept(stream)));
    }
}

/// Answers until the client closes. tokio-rustls sends all waiting records in one vectored write,
/// so that nothing has to collect them.
async fn answer_requests(accept: Accept<TcpStream>) -> io::Result<()> {
    let mut stream = accept.await?;
    let mut reader = RequestReader::default();
    loop {
        let count = stream.read(reader.buffer()).await?;
        if count == 0 {
            return stream.shutdown().await;
        }
        let answers = reader.received(count);
        if !answers.is_empty() {
            stream.write_all(answers).await?;
            stream.flush().await?;
        }
    }
}
