//! Reads the pages about endings: tables, sections, the log lines in them.

use crate::place::root;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// What a line of text is wrapped in.
const FENCE: &str = "```text\n";

/// One page.
pub struct Page {
    path: PathBuf,
    pub text: String,
}

/// The part of a page about one cause.
#[derive(Clone, Copy)]
pub struct Section<'a> {
    pub cause: &'a str,
    pub text: &'a str,
}

/// A log line taken apart.
pub struct Line<'a> {
    pub level: &'a str,
    pub headline: &'a str,
    pub fields: BTreeMap<&'a str, String>,
}

impl Page {
    pub fn read(name: &str) -> Self {
        let path = root().join("docs").join(name);
        let text = fs::read_to_string(&path).unwrap();
        Self { path, text }
    }

    /// The sections with a cause as their heading, in order.
    pub fn sections(&self) -> Vec<Section<'_>> {
        let after_headings = self.text.split("\n### ").skip(1);
        after_headings
            .map(|text| {
                let text = text.split("\n## ").next().unwrap();
                let (heading, text) = text.split_once('\n').unwrap();
                let cause = heading.trim_matches('`');
                Section { cause, text }
            })
            .collect()
    }

    pub fn section(&self, cause: &str) -> Section<'_> {
        let mut found = self.sections();
        found.retain(|section| section.cause == cause);
        assert_eq!(found.len(), 1, "{} sections for {cause}", found.len());
        found[0]
    }

    /// The cells of every row of the tables whose first cell is a link to a section.
    pub fn rows(&self) -> Vec<Vec<&str>> {
        let rows = self.text.lines().filter(|line| line.starts_with("| [`"));
        rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect())
            .collect()
    }

    /// Writes another log line into a section.
    pub fn put_line(&mut self, cause: &str, line: &str) {
        let heading = format!("\n### `{cause}`\n");
        let section = self.text.find(&heading).unwrap() + heading.len();
        let begin = self.text[section..].find(FENCE).unwrap() + section + FENCE.len();
        let end = self.text[begin..].find("\n```").unwrap() + begin;
        self.text.replace_range(begin..end, line);
    }

    pub fn write(&self) {
        fs::write(&self.path, &self.text).unwrap();
    }
}

impl<'a> Section<'a> {
    /// The log line it shows, if it shows one.
    pub fn line(&self) -> Option<&'a str> {
        let (_, after) = self.text.split_once(FENCE)?;
        after.lines().next()
    }

    /// The paragraph or list that begins with these words in bold.
    pub fn part(&self, title: &str) -> Option<&'a str> {
        let (_, after) = self.text.split_once(&format!("**{title}.**"))?;
        Some(after.split("\n\n**").next().unwrap().trim())
    }
}

impl<'a> Line<'a> {
    /// `TIME LEVEL kind: cause (detail) key=value key="value" ...`
    pub fn parse(line: &'a str) -> Option<Self> {
        let (time, rest) = line.split_once(' ')?;
        let (level, rest) = rest.split_once(' ')?;
        let rest = rest.trim_start();
        let (headline, mut rest) = rest.split_at(rest.find(" id=")?);
        let mut fields = BTreeMap::new();
        while let Some(field) = rest.strip_prefix(' ') {
            let (key, value) = field.split_once('=')?;
            let end = match value.strip_prefix('"') {
                Some(quoted) => end_of_quotes(quoted)? + 2,
                None => value.find(' ').unwrap_or(value.len()),
            };
            let (value, after) = value.split_at(end);
            fields.insert(key, value.trim_matches('"').to_owned());
            rest = after;
        }
        let well_formed = rest.is_empty() && time.len() == 24 && time.ends_with('Z');
        well_formed.then_some(Self {
            level,
            headline,
            fields,
        })
    }

    pub fn field(&self, key: &str) -> &str {
        self.fields.get(key).map_or("", String::as_str)
    }
}

/// Where the quotes close, before which nothing is escaped by an odd backslash.
fn end_of_quotes(quoted: &str) -> Option<usize> {
    let mut escaped = false;
    quoted.char_indices().find_map(|(at, letter)| {
        let closes = letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
        closes.then_some(at)
    })
}
