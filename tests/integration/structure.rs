//! Keeps the imports of `src/` running one way, as ARCHITECTURE.md draws them.
//!
//! It reads the sources as text and knows nothing of types: a path `crate::X::…` is an import of `X`, in a
//! `use`, in a group or in the middle of an expression. Comments are not read, and neither are macros that
//! put paths together; nobody here does that.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What a top-level module of `src/` must not name.
struct Layer {
    module: &'static str,
    /// The modules of this crate that it may name; `None` is all but `never`.
    only: Option<&'static [&'static str]>,
    /// The modules of this crate that it must not name.
    never: &'static [&'static str],
    /// Words that must not stand in its code: crates and keywords.
    words: &'static [&'static str],
}

const LAYERS: &[Layer] = &[
    Layer {
        module: "domain",
        only: Some(&["domain"]),
        never: &[],
        words: &["tokio", "sqlx", "axum", "hyper", "tracing", "async", "await"],
    },
    Layer {
        module: "store",
        only: None,
        never: &["engine", "ops", "live", "socket", "http", "server"],
        words: &["axum", "hyper"],
    },
    Layer {
        module: "ops",
        only: None,
        never: &["live", "socket", "http", "server"],
        words: &["axum", "hyper"],
    },
    Layer {
        module: "live",
        only: None,
        never: &["engine", "ops", "socket", "http", "server"],
        words: &[],
    },
    Layer {
        module: "engine",
        only: None,
        never: &["socket", "http", "server"],
        words: &["axum", "hyper"],
    },
    Layer {
        module: "socket",
        only: None,
        never: &["store", "server"],
        words: &[],
    },
    Layer {
        module: "http",
        only: None,
        never: &["server"],
        words: &[],
    },
];

#[test]
fn imports_run_one_way() {
    let offences = sources("src").iter().flat_map(one_way).collect::<Vec<_>>();
    assert_none(&offences);
}

#[test]
fn only_the_store_names_a_database_driver() {
    let offences = sources("src")
        .iter()
        .filter(|source| source.module() != "store")
        .flat_map(|source| source.words(&["sqlx"], "only `store` names a database driver"))
        .collect::<Vec<_>>();
    assert_none(&offences);
}

#[test]
fn the_live_part_reads_the_log_and_nothing_else_of_the_store() {
    let mut offences = Vec::new();
    for source in sources("src").iter().filter(|source| source.module() == "live") {
        for import in source.imports() {
            let into_store = import.path.first().is_some_and(|first| first == "store");
            if into_store && import.path.get(1).is_none_or(|second| second != "log") {
                offences.push(source.offence(import.line, "`live` names only `store::log` of the store"));
            }
        }
    }
    assert_none(&offences);
}

#[test]
fn no_queue_is_unbounded() {
    let names = [
        "unbounded_channel",
        "UnboundedSender",
        "UnboundedReceiver",
        "unbounded",
    ];
    let offences = [
        "src",
        "protocol/src",
        "client/src",
        "client/tw/src",
        "loadtest/src",
        "tests/faults/src",
    ]
    .into_iter()
    .flat_map(sources)
    .flat_map(|source| source.words(&names, "every queue has a bound"))
    .collect::<Vec<_>>();
    assert_none(&offences);
}

/// The scan itself: a rule that sees nothing would pass for ever.
#[test]
fn an_import_is_seen_however_it_is_written() {
    let source = Source {
        path: PathBuf::from("src/ops/task/list.rs"),
        inside: PathBuf::from("ops/task/list.rs"),
        code: without_comments(
            "use crate::{\n    domain::{rank, role as r},\n    live::Topic, // crate::no\n};\n\
             let x = taskwire::socket::limits::<u8>();\n\
             use super::super::http::*;\nuse super::list2;\nlet s = \"image/*, // \"; //! crate::no\n pub(crate) fn f() {}",
        ),
    };
    let seen = source
        .imports()
        .iter()
        .map(|i| (i.path.join("::"), i.line))
        .collect::<Vec<_>>();
    let expected = [
        ("domain::rank", 2),
        ("domain::role", 2),
        ("live::Topic", 3),
        ("socket::limits", 5),
        ("ops::http", 6),
        ("ops::task::list2", 7),
    ];
    assert_eq!(seen, expected.map(|(path, line)| (path.to_owned(), line)));
    let offences = one_way(&source);
    assert_eq!(offences.len(), 2, "{offences:?}");
    assert!(
        offences[0].starts_with("src/ops/task/list.rs:3: "),
        "{offences:?}"
    );
    assert!(
        offences[1].starts_with("src/ops/task/list.rs:5: "),
        "{offences:?}"
    );
}

/// The offences of one file against the rule of its layer.
fn one_way(source: &Source) -> Vec<String> {
    let Some(layer) = LAYERS.iter().find(|layer| layer.module == source.module()) else {
        return Vec::new();
    };
    let mut offences = source.words(layer.words, &format!("`{}` does not name it", layer.module));
    for import in source.imports() {
        let Some(target) = import.path.first() else {
            continue;
        };
        let allowed = layer.only.is_none_or(|only| only.contains(&target.as_str()));
        if !allowed || layer.never.contains(&target.as_str()) {
            let rule = format!("`{}` does not import `{target}`", layer.module);
            offences.push(source.offence(import.line, &rule));
        }
    }
    offences
}

#[track_caller]
fn assert_none(offences: &[String]) {
    let mut list = String::new();
    for offence in offences {
        let _ = writeln!(list, "  {offence}");
    }
    assert!(offences.is_empty(), "{} offending lines:\n{list}", offences.len());
}

/// A source file, its comments blanked out.
struct Source {
    /// From the repository's root, for the message.
    path: PathBuf,
    /// From its `src/`.
    inside: PathBuf,
    code: String,
}

/// A path into this crate, without its `crate::`.
struct Import {
    path: Vec<String>,
    line: usize,
}

impl Source {
    /// The path of the module that this file is: `ops/task.rs` and `ops/task/mod.rs` are `[ops, task]`.
    fn module_path(&self) -> Vec<String> {
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
    fn module(&self) -> String {
        self.module_path().into_iter().next().unwrap_or_default()
    }

    fn offence(&self, line: usize, rule: &str) -> String {
        let text = self.code.lines().nth(line - 1).unwrap_or_default().trim();
        format!("{}:{line}: {rule}: {text}", self.path.display())
    }

    /// An offence for each line that has one of `words` as a whole word.
    fn words(&self, words: &[&str], rule: &str) -> Vec<String> {
        let mut offences = Vec::new();
        for (number, line) in self.code.lines().enumerate() {
            // What stands between quotes is text: a log filter may say "sqlx=warn".
            let code = line.split('"').step_by(2);
            let mut names = code.flat_map(|part| part.split(|c: char| !is_name(c)));
            if let Some(word) = names.find(|name| words.contains(name)) {
                offences.push(self.offence(number + 1, &format!("{rule} (`{word}`)")));
            }
        }
        offences
    }

    /// Every path into this crate, groups taken apart.
    fn imports(&self) -> Vec<Import> {
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
}

/// Where a path into this crate starts. In a chain of `super::` only the first is a start.
fn starts(code: &str) -> Vec<(usize, &'static str)> {
    let mut starts = Vec::new();
    for word in ["crate::", "taskwire::", "super::"] {
        for (at, _) in code.match_indices(word) {
            let before = code[..at].chars().next_back();
            if !before.is_some_and(|c| is_name(c) || c == ':') {
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
    imports.push(Import { path, line });
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
        // What is left of this member: `as other`, or a `*`.
        at += code[at..].find([',', '}']).unwrap_or(code[at..].len());
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Blanks `//` comments out, keeping every line where it is. A `//` in a string ends its line early, which
/// hides an import only when one follows on that line. Block comments stay: strings such as `"image/*"` would
/// hide the rest of a file.
fn without_comments(text: &str) -> String {
    let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned() + "\n";
    text.lines().map(code).collect()
}

/// Every Rust source below `folder`, a path from the repository's root.
fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap_or_else(|e| panic!("{}: {e}", next.display())) {
            let path = entry.expect("an entry of a folder").path();
            // a module's own tests may stand on the whole server
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
