//! Reads Rust sources as text, and finds the paths into their own crate. Knows no rules.
//!
//! A path `crate::X::…` counts as an import of `X`: in a `use`, in a group, or in the middle of an expression.
//! Comments are ignored. It does not find paths that macros build; we have no such macros.

use std::fs;
use std::path::{Path, PathBuf};

/// A source file.
#[derive(Clone)]
pub struct Source {
    /// The path from the repository's root, for messages.
    pub path: PathBuf,
    /// The path from its `src/`.
    pub inside: PathBuf,
    /// The text without comments.
    pub code: String,
}

/// A path into the file's own crate, without its `crate::`.
pub struct Import {
    pub path: Vec<String>,
    pub line: usize,
    /// The name in this file: the last part of the path, or what follows `as`.
    pub name: String,
}

impl Source {
    /// The path of the module that this file is: `ops/task.rs` and `ops/task/mod.rs` are `[ops, task]`.
    pub fn module_path(&self) -> Vec<String> {
        let stem = self.inside.with_extension("");
        let mut path: Vec<String> = stem
            .iter()
            .map(|part| part.to_string_lossy().into_owned())
            .collect();
        if path
            .last()
            .is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str()))
        {
            path.pop();
        }
        path
    }

    /// The top-level module; empty for the crate's root.
    pub fn module(&self) -> String {
        self.module_path().into_iter().next().unwrap_or_default()
    }

    pub fn offence(&self, line: usize, rule: &str) -> String {
        let text = self.code.lines().nth(line - 1).unwrap_or_default().trim();
        format!("{}:{line}: {rule}: {text}", self.path.display())
    }

    /// An offence for each line that has one of `words` as a whole word.
    pub fn words(&self, words: &[&str], rule: &str) -> Vec<String> {
        let mut offences = Vec::new();
        for (number, line) in self.code.lines().enumerate() {
            // ignore strings: a log filter may be "sqlx=warn"
            let code = line.split('"').step_by(2);
            let mut names = code.flat_map(|part| part.split(|c: char| !is_name(c)));
            if let Some(word) = names.find(|name| words.contains(name)) {
                offences.push(self.offence(number + 1, &format!("{rule} (`{word}`)")));
            }
        }
        offences
    }

    /// This file without its test modules.
    pub fn without_tests(&self) -> Source {
        let (mut code, mut in_tests, mut lines) = (String::new(), false, self.code.lines().peekable());
        while let Some(line) = lines.next() {
            in_tests |= line == "#[cfg(test)]" && lines.peek().is_some_and(|next| next.starts_with("mod "));
            code += if in_tests { "" } else { line };
            code.push('\n');
            in_tests &= line != "}" && !line.ends_with(';');
        }
        Source {
            path: self.path.clone(),
            inside: self.inside.clone(),
            code,
        }
    }

    /// Every path into this crate; a group gives one path for each member.
    pub fn imports(&self) -> Vec<Import> {
        let mut imports = Vec::new();
        for (at, word) in starts(&self.code) {
            let after = at + word.len();
            let mut prefix = match word {
                "super::" => self.module_path(),
                _ => Vec::new(),
            };
            prefix.pop();
            read_tree(&self.code, after, prefix, &mut imports);
        }
        imports
    }

    /// The names that `use` imports into this module from its own crate; `children` are its child modules.
    pub fn names(&self, children: &[String]) -> Vec<Import> {
        let mut names = Vec::new();
        for (at, word) in self.code.match_indices("use ") {
            let line = self.code[..at].rfind('\n').map_or(0, |end| end + 1);
            // an indented `use` belongs to a function or a test module
            let before = &self.code[line..at];
            if !before.is_empty() && !before.starts_with("pub") {
                continue;
            }
            let mut after = at + word.len();
            let first: String = self.code[after..].chars().take_while(|c| is_name(*c)).collect();
            let prefix = match first.as_str() {
                "crate" => {
                    after += "crate::".len();
                    Vec::new()
                }
                "super" | "self" => self.module_path(),
                child if children.iter().any(|known| known == child) => self.module_path(),
                _ => continue,
            };
            read_tree(&self.code, after, prefix, &mut names);
        }
        names
    }
}

/// Where a path into this crate starts. In a chain of `super::` only the first is a start.
fn starts(code: &str) -> Vec<(usize, &'static str)> {
    let mut starts = Vec::new();
    for word in ["crate::", "taskwire::", "super::"] {
        for (at, _) in code.match_indices(word) {
            let before = code[..at].chars().next_back();
            // a log filter in quotes may name the crate; an attribute in quotes may name a type by `crate::`
            let line = code[..at].rfind('\n').map_or(0, |end| end + 1);
            let quoted = word == "taskwire::" && code[line..at].matches('"').count() % 2 == 1;
            if !quoted && !before.is_some_and(|c| is_name(c) || c == ':') {
                starts.push((at, word));
            }
        }
    }
    starts.sort_unstable();
    starts
}

/// Reads `a::b` or `a::{b, c::d}` from `at` on, adds what it finds to `imports`, and returns where it ends.
fn read_tree(code: &str, mut at: usize, mut path: Vec<String>, imports: &mut Vec<Import>) -> usize {
    let start = at;
    loop {
        at += code[at..].len() - code[at..].trim_start().len();
        if code[at..].starts_with('{') {
            return read_group(code, at + 1, &path, imports);
        }
        let name: String = code[at..].chars().take_while(|c| is_name(*c)).collect();
        at += name.len();
        match name.as_str() {
            "" => break,
            "super" => drop(path.pop()),
            "self" => {}
            _ => path.push(name),
        }
        match code[at..].strip_prefix("::") {
            Some(rest) if !rest.starts_with('<') => at += 2,
            _ => break,
        }
    }
    let skipped = code[start..].len() - code[start..].trim_start().len();
    let line = code[..start + skipped].matches('\n').count() + 1;
    let renamed = code[at..].strip_prefix(" as ");
    let name = match renamed {
        Some(rest) => rest.chars().take_while(|c| is_name(*c)).collect(),
        None => path.last().cloned().unwrap_or_default(),
    };
    imports.push(Import { path, line, name });
    at
}

/// Reads the members of a group up to and with its closing brace.
fn read_group(code: &str, mut at: usize, path: &[String], imports: &mut Vec<Import>) -> usize {
    loop {
        let rest = &code[at..];
        let next = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        at += rest.len() - next.len();
        if next.is_empty() {
            return at;
        }
        if next.starts_with('}') {
            return at + 1;
        }
        at = read_tree(code, at, path.to_vec(), imports);
        // skip the rest of this member: `as other`, or a `*`
        at += code[at..].find([',', '}']).unwrap_or(code[at..].len());
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Removes `//` comments and keeps the line numbers. A `//` in a string also cuts its line, which hides an import only
/// when one follows on that line. Block comments stay: otherwise a string such as `"image/*"` would hide the rest of a
/// file.
pub fn without_comments(text: &str) -> String {
    let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned() + "\n";
    text.lines().map(code).collect()
}

/// Every Rust source below `folder`, a path from the repository's root. Files and folders named `tests` are left out:
/// tests may import everything.
pub fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap_or_else(|e| panic!("{}: {e}", next.display())) {
            let path = entry.expect("an entry of a folder").path();
            let of_tests = path.file_stem().is_some_and(|stem| stem == "tests");
            if path.is_dir() {
                folders.extend(Some(path).filter(|_| !of_tests));
            } else if !of_tests && path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a readable source");
                let inside = path.strip_prefix(root.join(folder)).expect("below it").to_owned();
                let path = path.strip_prefix(root).expect("below it").to_owned();
                let code = without_comments(&text);
                found.push(Source { path, inside, code });
            }
        }
    }
    assert!(!found.is_empty(), "no sources in {folder}");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}
