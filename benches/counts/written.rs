//! The counts that are written down, and what they were counted with.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::process::Command;

/// Where they are.
pub const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/counts.json");

#[derive(Default)]
pub struct Written {
    pub setting: Setting,
    pub counts: BTreeMap<String, u64>,
}

/// What counts depend on besides the code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    compiler: String,
    processor: String,
}

impl Setting {
    /// # Errors
    /// When there is no compiler to ask.
    pub fn here() -> Result<Self, String> {
        let version = Command::new("rustc").arg("--version").output();
        let version = version.map_err(|error| format!("cannot run rustc: {error}"))?;
        let version = String::from_utf8_lossy(&version.stdout);
        Ok(Self {
            compiler: version.trim().to_owned(),
            processor: processor(),
        })
    }
}

/// The instruction set, as far as the libraries choose their code by it and valgrind knows it.
fn processor() -> String {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        return "x86_64 with AVX2".to_owned();
    }
    std::env::consts::ARCH.to_owned()
}

impl Written {
    /// # Errors
    /// When the file is not as [`write`](Self::write) makes it. None at all is empty.
    pub fn read() -> Result<Self, String> {
        let Ok(text) = fs::read_to_string(PATH) else {
            return Ok(Self::default());
        };
        let unreadable = || format!("{PATH} is not as `just counts --update` writes it");
        let value: Value = serde_json::from_str(&text).map_err(|_| unreadable())?;
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let counts = value["counts"].as_object().ok_or_else(unreadable)?;
        let counts = counts
            .iter()
            .map(|(name, count)| Some((name.clone(), count.as_u64()?)));
        Ok(Self {
            setting: Setting {
                compiler: text("compiler").ok_or_else(unreadable)?,
                processor: text("processor").ok_or_else(unreadable)?,
            },
            counts: counts.collect::<Option<_>>().ok_or_else(unreadable)?,
        })
    }

    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self) -> Result<(), String> {
        let value = json!({
            "compiler": self.setting.compiler,
            "processor": self.setting.processor,
            "counts": self.counts,
        });
        let text = format!("{value:#}\n");
        fs::write(PATH, text).map_err(|error| format!("cannot write {PATH}: {error}"))
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.compiler, self.processor)
    }
}
