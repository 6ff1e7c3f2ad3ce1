//! Where connections come from: listeners opened, paused, closed.

use std::net::SocketAddr;

/// Listens on one more address; answered with the address bound, or why it could not be.
///
/// ```
/// # async_std::task::block_on(async {
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// # let policy = sipward::TlsPolicy::from_pem(chain.as_bytes(), key.as_bytes())?;
/// # let builder = sipward::Supervisor::builder(policy).listen("127.0.0.1:0").without_log();
/// # let sipward = builder.start().await?;
/// let bound = sipward.listen("127.0.0.1:0".parse()?).await??;
/// assert!(sipward.snapshot().await?.listeners.contains(&bound));
/// assert!(sipward.stop_listening(bound).await?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Listen {
    /// Where; port 0 takes a free one.
    pub address: SocketAddr,
}

/// Closes a listener; connections that came by it stay. Answered with whether there was one; its
/// end is the event `listener_closed`.
#[derive(Clone, Copy, Debug)]
pub struct StopListening {
    /// The address it is bound to.
    pub listener: SocketAddr,
}

/// Stops accepting: connections wait in the kernel's backlog, and beyond it are turned away by the
/// kernel. Answered with how many acceptors were told.
#[derive(Clone, Copy, Debug)]
pub struct Pause {
    /// Which listener; `None` for all.
    pub listener: Option<SocketAddr>,
}

/// Accepts again after a [`Pause`]. Answered with how many acceptors were told.
#[derive(Clone, Copy, Debug)]
pub struct Resume {
    /// Which listener; `None` for all.
    pub listener: Option<SocketAddr>,
}
