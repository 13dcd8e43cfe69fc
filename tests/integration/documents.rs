//! Checks that the links in the Markdown pages lead to files of this repository, and that the tests which a page names exist.
//! Does not use the network.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders whose Markdown files are pages.
const FOLDERS: [&str; 8] = [
    "", ".github", "client", "deploy", "docs", "loadtest", "protocol", "tests",
];

#[test]
fn a_link_in_a_page_leads_to_a_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages: Vec<PathBuf> = FOLDERS
        .iter()
        .flat_map(|folder| pages(&root.join(folder)))
        .collect();
    assert!(pages.contains(&root.join("README.md")), "no README.md");
    let mut broken = Vec::new();
    for page in &pages {
        let text = fs::read_to_string(page).expect("a page");
        for target in links(&text) {
            let file = page.with_file_name(target);
            if !file.exists() {
                broken.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Without this test, a scan that finds no link would always pass.
#[test]
fn links_of_all_forms_are_found() {
    let text = "[a](b.md), [c](d/e.md#part) and [f](https://g.example) [h](#here)\n```\n[i](j)\n```\n[k](l)";
    assert_eq!(links(text), ["b.md", "d/e.md", "l"]);
}

/// `docs/security.md` names the test that shows each claim: `module::test` of the integration tests; the same with the path
/// of a unit test in front, or its file and its name; or a file whose unit tests show it.
#[test]
fn the_tests_that_a_page_names_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/security.md")).expect("a page");
    let named = named_in(&page);
    assert!(named.len() > 60, "{named:?}");
    let missing: Vec<String> = named.into_iter().filter(|name| !exists(root, name)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

/// A test that only looks for names would pass for every name if it found none.
#[test]
fn a_test_is_found_by_its_name_and_no_other_name_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in [
        "web::every_error_has_one_shape",
        "closing::peers::a_peer_that_neither_reads_nor_answers_is_dead",
        "clocks::ids_and_positions_increase_over_a_restart_that_sets_the_clock_back",
        "domain::text::tests::a_color_is_written_with_six_digits",
        "http::tests::a_handshake_that_panics_gets_an_error_too",
        "src/auth/passwords/tests.rs",
        "src/domain/text.rs:a_color_is_written_with_six_digits",
    ] {
        assert!(exists(root, name), "{name}");
    }
    for name in [
        "web::every_error",
        "web::hardened",
        "closing::every_error_has_one_shape",
        "domain::text::tests::every_error_has_one_shape",
        "domain::ics::a_color_is_written_with_six_digits",
        "src/auth/mod.rs",
        "src/auth/passwords/tests.rs:a_color_is_written_with_six_digits",
        "tests/integration/access.rs",
        "src/nowhere.rs",
    ] {
        assert!(!exists(root, name), "{name}");
    }
    let page = "| a | b | gives |\n|---|---|---|\n| a | b | `admin` |\n\n| a | b | test |\n|---|---|---|\n| a | b `setting` | `web::a_test`, \
                `src/a.rs`: `one`, `two`; measured by `loadtest x` |\n\n`web::prose` | a | b | `c::d` |\n";
    assert_eq!(
        named_in(page),
        ["web::a_test", "src/a.rs", "src/a.rs:one", "src/a.rs:two"]
    );
}

/// What the column of tests names. A name alone is of the file before it; words are a command.
fn named_in(page: &str) -> Vec<String> {
    let (mut named, mut of_tests) = (Vec::new(), false);
    for line in page.lines() {
        of_tests = line.starts_with('|') && (of_tests || line.ends_with("| test |"));
        let Some(cell) = line.split('|').nth(3).filter(|_| of_tests) else {
            continue;
        };
        let mut file = "";
        for name in cell
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|name| !name.contains(' '))
        {
            if name.contains("::") || name.contains('/') {
                file = name;
                named.push(name.to_owned());
            } else {
                named.push(format!("{file}:{name}"));
            }
        }
    }
    named
}

/// Whether there is such a test, or such a file with tests of its own.
fn exists(root: &Path, name: &str) -> bool {
    let read = |file: &str| fs::read_to_string(root.join(file)).unwrap_or_default();
    let Some((path, test)) = name.rsplit_once("::") else {
        let (file, test) = name.split_once(':').unwrap_or((name, ""));
        let source = if file.starts_with("src/") {
            read(file)
        } else {
            String::new()
        };
        // the integration tests are many in a file, and each shows something else
        let has_tests = source.contains("#[test]") || source.contains("#[tokio::test");
        return has_tests && (test.is_empty() || has(&source, test));
    };
    let path = path.replace("::", "/");
    let files = match path.strip_suffix("/tests") {
        Some(module) => vec![
            format!("src/{module}.rs"),
            format!("src/{module}/mod.rs"),
            format!("src/{path}.rs"),
        ],
        // attacks are in a folder of their own, `tests/hostile`
        None => ["tests/integration/", "tests/", "src/"]
            .map(|folder| format!("{folder}{path}.rs"))
            .into(),
    };
    files.iter().any(|file| has(&read(file), test))
}

/// Whether a file has a test: a function with an attribute, or one that `on_both_databases!` names.
fn has(source: &str, test: &str) -> bool {
    let Some((before, _)) = source.split_once(&format!("fn {test}(")) else {
        return false;
    };
    let lists = source.split("on_both_databases!(").skip(1);
    let mut lists = lists.filter_map(|rest| rest.split(')').next());
    before.trim_end_matches("async ").trim_end().ends_with(']')
        || lists.any(|list| list.split(',').any(|name| name.trim() == test))
}

fn pages(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries
        .map(|entry| entry.expect("an entry of a folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect()
}

/// The files that a page links to, without blocks of code and without the part after `#`.
fn links(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose
        .flat_map(|part| part.split("](").skip(1))
        .filter_map(|rest| rest.split([')', '#']).next())
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .collect()
}
