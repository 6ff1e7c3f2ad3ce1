//! Files that are written whole or not at all.

use std::fs::{DirBuilder, File, OpenOptions, rename};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::CertificateError;

/// Creates the directory and its missing parents with mode 0700. An existing directory is not
/// changed.
pub fn create_directory(path: &Path) -> Result<(), CertificateError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(|error| CertificateError::file("create", path, error))
}

/// The text of a file, without what an editor has added: the byte order mark, blanks and carriage returns
/// at the ends of lines. `None` if the file does not exist.
pub fn read(path: &Path) -> Result<Option<String>, CertificateError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(as_written(&text))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            Err(CertificateError::damaged(path, "not text"))
        }
        Err(error) => Err(CertificateError::file("read", path, error)),
    }
}

fn as_written(text: &str) -> String {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let lines = text.split(['\n', '\r']);
    lines.map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Writes a file that only its owner can read.
pub fn write_secret(path: &Path, text: &str) -> Result<(), CertificateError> {
    write(path, text, 0o600)
}

/// Writes a file that all users may read.
pub fn write_public(path: &Path, text: &str) -> Result<(), CertificateError> {
    write(path, text, 0o644)
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), CertificateError> {
    replace(path, text.as_bytes(), mode)
        .map_err(|error| CertificateError::file("write", path, error))
}

fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    // A file left by an interrupted run may have another mode, so it is removed.
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = create_new(&unfinished, mode)?;
    file.write_all(content)?;
    file.sync_all()?;
    rename(&unfinished, path)
}

#[cfg(unix)]
fn create_new(path: &Path, mode: u32) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode).open(path)
}

#[cfg(not(unix))]
fn create_new(path: &Path, _: u32) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}
