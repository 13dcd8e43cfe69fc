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

/// `docs/security.md` names the test that shows each claim.
#[test]
fn the_tests_that_a_page_names_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/security.md")).expect("a page");
    let named: Vec<(&str, &str)> = tests_in(&page).collect();
    assert!(named.len() > 20, "{named:?}");
    let missing = named.iter().filter(|(module, test)| {
        let file = root.join("tests/integration").join(format!("{module}.rs"));
        let source = fs::read_to_string(file).unwrap_or_default();
        !source.contains(&format!("fn {test}("))
    });
    let missing: Vec<_> = missing.collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

/// The texts of the form `module::test` between backticks.
fn tests_in(page: &str) -> impl Iterator<Item = (&str, &str)> {
    let quoted = page.split('`').skip(1).step_by(2);
    let is_name = |name: &&str| {
        name.bytes()
            .all(|byte| byte.is_ascii_lowercase() || b"_0123456789".contains(&byte))
    };
    quoted
        .filter_map(|text| text.split_once("::"))
        .filter(move |(module, test)| is_name(module) && is_name(test))
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
