//! The control messages that open, pause and close listeners.

use super::{Handle, Stopped};
use crate::supervisor::{CloseListener, SetPaused, StartError, Supervisor};
use crate::transport::{AnyListener, Listener, TcpListenerSocket};
use std::net::SocketAddr;
use xtra::{Context, Handler};

/// Listens on one more address; the answer is the address bound, or a
/// [`StartError`](crate::StartError).
///
/// ```
/// # async_std::task::block_on(async {
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// # let policy = sipward::TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?;
/// # let builder = sipward::Supervisor::builder(policy).listen("127.0.0.1:0").without_log();
/// # let sipward = builder.start().await?;
/// let bound = sipward.listen("127.0.0.1:0".parse()?).await?;
/// assert!(sipward.snapshot().await?.listeners.contains(&bound));
/// assert!(sipward.stop_listening(bound).await?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Listen {
    /// The address; port 0 takes a free port.
    pub address: SocketAddr,
}

/// Closes a listener; connections accepted by it stay open. The answer is `false` when there is no such
/// listener. The event `listener_closed` follows when it is closed.
#[derive(Clone, Copy, Debug)]
pub struct StopListening {
    /// The address that the listener is bound to.
    pub listener: SocketAddr,
}

/// Stops accepting connections. New ones wait in the kernel's backlog
/// ([`Builder::backlog`](crate::Builder::backlog)); the kernel drops those beyond it. The answer is how
/// many acceptors pause.
#[derive(Clone, Copy, Debug)]
pub struct Pause {
    /// The address of the listener; `None` for all listeners.
    pub listener: Option<SocketAddr>,
}

/// Accepts connections again after a [`Pause`]. The answer is how many acceptors resume.
#[derive(Clone, Copy, Debug)]
pub struct Resume {
    /// The address of the listener; `None` for all listeners.
    pub listener: Option<SocketAddr>,
}

impl Handle {
    /// Listens on one more address, and returns the address bound.
    ///
    /// # Errors
    /// [`StartError::Bind`] when the address cannot be listened on; [`StartError::Stopped`] when the
    /// supervisor shuts down or has ended.
    pub async fn listen(&self, address: SocketAddr) -> Result<SocketAddr, StartError> {
        let bound = self.ask(Listen { address }).await;
        bound.unwrap_or(Err(StartError::Stopped))
    }

    /// Closes a listener; connections accepted by it stay open. `false` when there is no such listener.
    ///
    /// # Errors
    /// [`Stopped`] when the supervisor has ended.
    pub async fn stop_listening(&self, listener: SocketAddr) -> Result<bool, Stopped> {
        self.ask(StopListening { listener }).await
    }

    /// Stops accepting on this listener, or with `None` on all; new connections wait in the kernel's
    /// backlog. Returns how many acceptors pause.
    ///
    /// # Errors
    /// [`Stopped`] when the supervisor has ended.
    pub async fn pause(&self, listener: Option<SocketAddr>) -> Result<usize, Stopped> {
        self.ask(Pause { listener }).await
    }

    /// Accepts again after [`Handle::pause`]. Returns how many acceptors resume.
    ///
    /// # Errors
    /// [`Stopped`] when the supervisor has ended.
    pub async fn resume(&self, listener: Option<SocketAddr>) -> Result<usize, Stopped> {
        self.ask(Resume { listener }).await
    }
}

impl Handler<Listen> for Supervisor {
    type Return = Result<SocketAddr, StartError>;

    async fn handle(
        &mut self,
        listen: Listen,
        _: &mut Context<Self>,
    ) -> Result<SocketAddr, StartError> {
        let mut state = self.state();
        let address = listen.address;
        if state.shutdown.is_some() {
            return Err(StartError::Stopped);
        }
        let sockets = TcpListenerSocket::bind(address, state.listen_options)
            .map_err(|source| StartError::Bind { address, source })?;
        let bound = sockets.first().map_or(address, Listener::address);
        let sockets = sockets.into_iter().map(AnyListener::Tcp).collect();
        state.open(sockets);
        Ok(bound)
    }
}

impl Handler<StopListening> for Supervisor {
    type Return = bool;

    async fn handle(&mut self, stop: StopListening, _: &mut Context<Self>) -> bool {
        let state = self.state();
        state.tell_acceptors(Some(stop.listener), CloseListener) > 0
    }
}

impl Handler<Pause> for Supervisor {
    type Return = usize;

    async fn handle(&mut self, pause: Pause, _: &mut Context<Self>) -> usize {
        let state = self.state();
        state.tell_acceptors(pause.listener, SetPaused(true))
    }
}

impl Handler<Resume> for Supervisor {
    type Return = usize;

    async fn handle(&mut self, resume: Resume, _: &mut Context<Self>) -> usize {
        let state = self.state();
        state.tell_acceptors(resume.listener, SetPaused(false))
    }
}
