//! Raises the limit of open descriptors, since each connection needs one.

/// Raises the soft limit of open descriptors to the hard limit.
#[cfg(unix)]
pub fn allow_many() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // If the limit cannot be raised, connections above it fail with an error that says so.
    let _ = setrlimit(Resource::Nofile, most);
}

/// Does nothing: this system has no such limit.
#[cfg(not(unix))]
pub fn allow_many() {}
