//! A program a test runs: what it prints is kept and can be waited for, and it does not outlive its test.

use super::TEST_TIMEOUT;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

/// A running program, killed on drop.
pub struct Program {
    name: String,
    child: Child,
    /// A file it writes what it saw to, if it does.
    record: Option<PathBuf>,
    pub output: Printed,
    pub errors: Printed,
}

/// What a program has printed so far, on one of its two outputs.
pub struct Printed {
    page: Arc<Page>,
    /// How far it was read by [`Program::says`] and [`Program::complains`].
    read: usize,
}

#[derive(Default)]
struct Page {
    text: Mutex<Text>,
    more: Condvar,
}

#[derive(Default)]
struct Text {
    printed: String,
    ended: bool,
}

/// A command that inherits nothing of the test's environment but the search path.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("TERM", "dumb");
    command
}

impl Program {
    /// Starts a tool of this Debian package.
    pub fn tool(package: &str, command: &mut Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        match Self::try_start(command, Stdio::piped()) {
            Ok(program) => program,
            Err(ErrorKind::NotFound) => {
                panic!("{name} is missing: install the Debian package {package}")
            }
            Err(error) => panic!("{name} does not start: {error}"),
        }
    }

    pub fn start(command: &mut Command) -> Self {
        Self::start_with(command, Stdio::piped())
    }

    /// Hands this over as its standard input.
    pub fn start_with(command: &mut Command, input: Stdio) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let started = Self::try_start(command, input);
        started.unwrap_or_else(|error| panic!("{name} does not start: {error}"))
    }

    fn try_start(command: &mut Command, input: Stdio) -> Result<Self, ErrorKind> {
        let mut child = command
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| error.kind())?;
        Ok(Self {
            name: command.get_program().to_string_lossy().into_owned(),
            output: Printed::by(child.stdout.take().unwrap()),
            errors: Printed::by(child.stderr.take().unwrap()),
            record: None,
            child,
        })
    }

    /// What it writes to this file is shown too when the test fails.
    pub fn recording(mut self, file: PathBuf) -> Self {
        self.record = Some(file);
        self
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) {
        let mut input = self.child.stdin.as_ref().unwrap();
        writeln!(input, "{line}").unwrap();
    }

    /// Ends its input.
    pub fn end_input(&mut self) {
        self.child.stdin = None;
    }

    /// Waits for this text on standard output, after all text waited for before.
    #[track_caller]
    pub fn says(&mut self, text: &str) {
        if self.output.find(text).is_none() {
            self.give_up(&format!("did not say {text:?}"));
        }
    }

    /// Waits for this text on standard output; false when it ended without.
    pub fn try_to_say(&mut self, text: &str) -> bool {
        self.output.find(text).is_some()
    }

    /// Waits for this text on standard error, and gives the rest of its line.
    #[track_caller]
    pub fn complains(&mut self, text: &str) -> String {
        let Some(rest) = self.errors.find(text) else {
            self.give_up(&format!("did not complain {text:?}"))
        };
        rest
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Kills it without a word (`kill -9`).
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    #[track_caller]
    pub fn ends(&mut self) -> ExitStatus {
        if !(self.output.ends() && self.errors.ends()) {
            self.give_up("did not end");
        }
        self.child.wait().unwrap()
    }

    /// Waits for its end, which must be a success.
    #[track_caller]
    pub fn succeeds(&mut self) {
        let status = self.ends();
        if !status.success() {
            self.give_up(&format!("failed: {status}"));
        }
    }

    /// Fails the test with everything the program has printed.
    #[track_caller]
    pub fn give_up(&self, what: &str) -> ! {
        let (output, errors) = (self.output.so_far(), self.errors.so_far());
        let name = &self.name;
        let record = self.record.as_deref().map(end_of).unwrap_or_default();
        panic!(
            "{name} {what}\n--- standard output:\n{output}\n--- standard error:\n{errors}{record}"
        );
    }
}

/// The last lines of a long record.
fn end_of(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(150)..];
    format!("\n--- the end of its record:\n{}", last.join("\n"))
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Printed {
    fn by(mut pipe: impl Read + Send + 'static) -> Self {
        let page = Arc::new(Page::default());
        let written = Arc::clone(&page);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            loop {
                let count = pipe.read(&mut bytes).unwrap_or(0);
                let mut text = written.text.lock().unwrap();
                text.printed
                    .push_str(&String::from_utf8_lossy(&bytes[..count]));
                text.ended = count == 0;
                written.more.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        Self { page, read: 0 }
    }

    pub fn so_far(&self) -> String {
        self.page.text.lock().unwrap().printed.clone()
    }

    /// The rest of the line after the next occurrence; `None` when it does not come.
    fn find(&mut self, wanted: &str) -> Option<String> {
        let begun = Instant::now();
        let mut text = self.page.text.lock().unwrap();
        loop {
            let unread = &text.printed[self.read..];
            let found = unread.split_once(wanted).and_then(|(before, after)| {
                let (rest, _) = after.split_once('\n')?;
                Some((before.len() + wanted.len(), rest.to_owned()))
            });
            if let Some((length, rest)) = found {
                self.read += length;
                return Some(rest);
            }
            let left = TEST_TIMEOUT.saturating_sub(begun.elapsed());
            if text.ended || left.is_zero() {
                return None;
            }
            (text, _) = self.page.more.wait_timeout(text, left).unwrap();
        }
    }

    fn ends(&self) -> bool {
        let text = self.page.text.lock().unwrap();
        let (text, _) = self
            .page
            .more
            .wait_timeout_while(text, TEST_TIMEOUT, |text| !text.ended)
            .unwrap();
        text.ended
    }
}
