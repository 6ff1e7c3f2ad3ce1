//! Where things are: the repository, and what was built.

use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn root() -> &'static Path {
    // The package of the tests stands in a folder of the root.
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The folder of the build profile that the running test belongs to.
pub fn profile() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().to_owned()
}

/// A folder for files that tests make.
pub fn scratch(name: impl AsRef<Path>) -> PathBuf {
    profile().parent().unwrap().join("tmp").join(name)
}

/// An example, built beside the tests by `cargo test --workspace`.
pub fn example(name: &str) -> PathBuf {
    let path = profile().join("examples").join(name);
    assert!(
        path.exists(),
        "{} is not built: run `cargo build --example {name}` first",
        path.display()
    );
    path
}
