//! Many connections need many descriptors.

/// As many as the system lets us have without asking anyone.
#[cfg(unix)]
pub fn allow_many() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // With fewer, opening connections fails by name.
    let _ = setrlimit(Resource::Nofile, most);
}

/// There is no limit to raise.
#[cfg(not(unix))]
pub fn allow_many() {}
