//! Checks that the imports of `src/` run one way, as ARCHITECTURE.md says, and that no crate has circles of modules.
//!
//! - `source` reads a file and finds the paths in it
//! - `graph`  the modules of a crate, and the circles among them
//!
//! It reads the sources as text and knows nothing of types.

mod graph;
mod source;

use graph::Graph;
use source::{Source, sources, without_comments};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

/// What each top-level module of `src/` may import of the others. A new module needs a row.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    // a node
    (
        "server",
        &[
            "auth",
            "clock",
            "config",
            "engine",
            "failpoint",
            "http",
            "jobs",
            "peer",
            "reply",
            "socket",
            "state",
            "uptake",
        ],
    ),
    ("demo", &["clock", "config", "engine", "operator", "ops"]),
    ("operator", &["clock", "config", "engine", "store"]),
    ("doctor", &["clock", "config", "files", "mail", "store"]),
    // the transports of a node
    (
        "socket",
        &[
            "auth", "config", "engine", "follow", "live", "peer", "reply", "state", "uptake",
        ],
    ),
    // `http` imports `socket` for the route of the upgrade
    (
        "http",
        &[
            "auth", "config", "engine", "live", "ops", "peer", "pictures", "reply", "socket", "state",
        ],
    ),
    ("state", &["auth", "config", "engine", "follow", "peer"]),
    ("follow", &["auth", "config", "engine", "live", "ops", "unicode"]),
    ("reply", &["config", "engine", "uptake"]),
    ("peer", &["config", "engine"]),
    ("jobs", &["config", "domain", "engine", "mail", "ops", "store"]),
    ("mail", &["config", "domain"]),
    // what handles a request
    (
        "engine",
        &[
            "archive",
            "auth",
            "clock",
            "config",
            "domain",
            "failpoint",
            "files",
            "ids",
            "live",
            "ops",
            "outage",
            "pictures",
            "store",
        ],
    ),
    ("live", &["clock", "outage"]), // it reads the log through a trait
    ("ops", &["domain", "ids", "store", "unicode"]),
    ("store", &["config", "ids", "unicode"]),
    ("domain", &["unicode"]),
    ("files", &["config"]),
    ("pictures", &[]),
    ("archive", &[]),
    // the foundations of a node
    ("auth", &["unicode"]),
    ("unicode", &[]),
    ("config", &["auth", "domain", "failpoint"]),
    ("failpoint", &[]),
    ("healthcheck", &["auth", "config"]),
    // for fuzzers and tests only
    (
        "fuzzing",
        &["domain", "http", "live", "ops", "peer", "socket", "unicode"],
    ),
    ("reload", &["config", "telemetry"]),
    ("telemetry", &["config"]),
    ("ids", &["clock"]),
    ("outage", &[]),
    ("clock", &[]),
    ("uptake", &[]),
];

/// Words that must not occur in a module's code: crates and keywords.
const NEVER_NAMES: &[(&str, &[&str])] = &[
    (
        "domain",
        &["tokio", "sqlx", "axum", "hyper", "tracing", "async", "await"],
    ),
    ("store", &["axum", "hyper"]),
    ("ops", &["axum", "hyper"]),
    ("engine", &["axum", "hyper"]),
];

/// The crates whose modules must make no circles.
const WITHOUT_CIRCLES: [&str; 6] = [
    "src",
    "protocol/src",
    "client/src",
    "client/tw/src",
    "loadtest/src",
    "tests/faults/src",
];

/// Known circles: the crate, the parent module, and the modules that may be in the circle. Remove a circle from this
/// list when it is broken.
const KNOWN_CIRCLES: &[(&str, &str, &[&str])] = &[
    // every noun's operations are in the table, and nouns name each other's types
    (
        "protocol/src",
        "",
        &[
            "account",
            "admin",
            "attachment",
            "comment",
            "events",
            "examples",
            "export",
            "frames",
            "generate",
            "http",
            "invite",
            "member",
            "notification",
            "operations",
            "presence",
            "secret",
            "signals",
            "stream",
            "task",
            "workspace",
        ],
    ),
];

#[test]
fn imports_run_one_way() {
    let sources = sources("src");
    let graph = Graph::new(&sources);
    let mut offences: Vec<String> = graph.between_top_level_modules().filter_map(forbidden).collect();
    let modules: BTreeSet<String> = sources.iter().map(Source::module).collect();
    for module in modules.iter().filter(|module| !module.is_empty()) {
        if MAY_IMPORT.iter().all(|(name, _)| name != module) {
            offences.push(format!(
                "src/{module}: has no row in MAY_IMPORT; add one with the modules that it may import"
            ));
        }
    }
    for (module, _) in MAY_IMPORT {
        if !modules.contains(*module) {
            offences.push(format!(
                "src/{module}: no longer exists; remove its row from MAY_IMPORT"
            ));
        }
    }
    assert_none(&offences);
}

#[test]
fn some_modules_never_name_some_crates() {
    let mut offences = Vec::new();
    for source in sources("src") {
        for (module, words) in NEVER_NAMES.iter().filter(|(name, _)| *name == source.module()) {
            offences.extend(source.words(words, &format!("`{module}` must not name it")));
        }
    }
    assert_none(&offences);
}

#[test]
fn modules_make_no_circles() {
    let mut offences = Vec::new();
    let mut seen = BTreeSet::new();
    for folder in WITHOUT_CIRCLES {
        for circle in Graph::of(folder).circles() {
            let is_known = |(of, below, members): &(&str, &str, &[&str])| {
                *of == folder
                    && *below == circle.below
                    && circle.members.iter().all(|member| members.contains(&&**member))
            };
            match KNOWN_CIRCLES.iter().position(is_known) {
                Some(at) => drop(seen.insert(at)),
                None => offences.push(format!("{folder}: a circle: {circle}")),
            }
        }
    }
    let gone = KNOWN_CIRCLES
        .iter()
        .enumerate()
        .filter(|(at, _)| !seen.contains(at));
    for (_, (folder, below, members)) in gone {
        offences.push(format!(
            "{folder}: {below} no longer has this circle; remove {members:?} from KNOWN_CIRCLES"
        ));
    }
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

/// Tests the scan itself: without this test, a rule that finds nothing would always pass.
#[test]
fn imports_of_every_form_are_found() {
    let source = source_of(
        "ops/task/list.rs",
        "use crate::{\n    domain::{rank, role as r},\n    live::Topic, // crate::no\n};\n\
         let x = taskwire::socket::limits::<u8>();\n\
         use super::super::http::*;\nuse super::list2;\nlet s = \"image/*, // \"; //! crate::no\n\
         let f = \"taskwire::engine=debug\"; pub(crate) fn f() {}",
    );
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
    let tested = "pub struct Topic;\n#[cfg(test)]\nmod tests {\n    use super::Topic;\n}\n";
    let modules = ["domain/mod.rs", "live/mod.rs", "socket/mod.rs"].map(|path| source_of(path, tested));
    let graph = Graph::new(&[vec![source], modules.into()].concat());
    let offences: Vec<String> = graph.between_top_level_modules().filter_map(forbidden).collect();
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

#[test]
fn circles_through_other_names_and_modules_are_found() {
    let sources = [
        // a parent that re-exports names makes no circle
        source_of(
            "a/mod.rs",
            "mod x;\nmod y;\nmod z;\npub use x::Thing;\npub(crate) use self::{y::go as run};",
        ),
        source_of(
            "a/x.rs",
            "use super::run;\n#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}\n",
        ),
        source_of("a/y.rs", "use crate::a::z;"),
        source_of("a/z.rs", "fn f(_: super::Thing) {}"),
        source_of("b.rs", "use crate::a::Thing;"),
    ];
    let circles = Graph::new(&sources.map(|source| source.without_tests())).circles();
    let seen: Vec<_> = circles
        .iter()
        .map(|circle| (&*circle.below, circle.members.join(", ")))
        .collect();
    assert_eq!(seen, [("a", "x, y, z".to_owned())]);
}

/// What is wrong with an import from one top-level module of another.
fn forbidden((from, to, line): (&str, &str, &str)) -> Option<String> {
    let row = MAY_IMPORT.iter().find(|(name, _)| *name == from);
    let allowed = row.is_none_or(|(_, may)| may.contains(&to));
    (!allowed)
        .then(|| format!("{line} (`{from}` must not import `{to}`: see ARCHITECTURE.md and MAY_IMPORT)"))
}

fn source_of(path: &str, code: &str) -> Source {
    Source {
        path: PathBuf::from("src").join(path),
        inside: PathBuf::from(path),
        code: without_comments(code),
    }
}

#[track_caller]
fn assert_none(offences: &[String]) {
    let mut list = String::new();
    for offence in offences {
        let _ = writeln!(list, "  {offence}");
    }
    assert!(offences.is_empty(), "{} offending lines:\n{list}", offences.len());
}
