//! The floor on sipward's own stack: async-std, async-tls, rustls 0.21. It answers a fixed 200, and
//! has no actors, limits, deadlines or events, and no ledger.

use async_std::net::{TcpListener, TcpStream};
use async_std::task;
use async_tls::TlsAcceptor;
use futures_util::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use rustls::server::NoServerSessionStorage;
use rustls::{Certificate, PrivateKey, ServerConfig, Ticketer};
use sipward_compare::RequestReader;
use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

fn main() -> Result<(), Box<dyn Error>> {
    let [certificate, key] = sipward_compare::identity()?;
    let chain = CertificateDer::pem_slice_iter(&certificate)
        .map(|certificate| certificate.map(|der| Certificate(der.to_vec())))
        .collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKey(PrivateKeyDer::from_pem_slice(&key)?.secret_der().to_vec());
    let mut config = ServerConfig::builder()
        .with_safe_defaults()
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    // The same settings as sipward's: one ticket, no stored sessions.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = Ticketer::new()?;
    config.send_tls13_tickets = 1;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::from(sipward_compare::listen()?);
    task::block_on(async {
        loop {
            let (stream, _) = listener.accept().await?;
            let accept = acceptor.accept(BufferedWrites::new(stream));
            task::spawn(async move { answer_requests(accept).await });
        }
    })
}

async fn answer_requests(accept: async_tls::Accept<BufferedWrites>) -> io::Result<()> {
    let mut stream = accept.await?;
    let mut reader = RequestReader::default();
    loop {
        let count = stream.read(reader.buffer()).await?;
        if count == 0 {
            return stream.close().await;
        }
        let answers = reader.received(count);
        if !answers.is_empty() {
            stream.write_all(answers).await?;
            stream.flush().await?;
        }
    }
}

/// Collects what TLS writes until the next read or flush and then sends it at once, as sipward
/// does. async-tls alone writes each record separately.
struct BufferedWrites {
    stream: TcpStream,
    unsent: Vec<u8>,
}

impl BufferedWrites {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            unsent: Vec::new(),
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let count = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.unsent))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unsent.drain(..count);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for BufferedWrites {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        // Reading goes on even if the peer does not take all output now.
        if let Poll::Ready(Err(error)) = self.poll_send(cx) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for BufferedWrites {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.unsent.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_send(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.stream).poll_close(cx)
    }
}
