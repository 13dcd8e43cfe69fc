//! The modules of one crate and the imports between them. Finds circles: sibling modules that need each other, directly
//! or through others. A module and its parent are not a circle: they share private names.

use super::source::{Source, sources};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

type Module = Vec<String>;

/// A crate's modules and the imports between them.
pub struct Graph {
    edges: Vec<Edge>,
}

/// An import, with its line.
struct Edge {
    from: Module,
    to: Module,
    line: String,
}

/// Modules that need each other.
pub struct Circle {
    /// Their parent module; empty for the crate's root.
    pub below: String,
    pub members: Vec<String>,
    /// One import for each pair of modules that need each other.
    lines: String,
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}{}", self.below, self.members.join(", "), self.lines)
    }
}

impl Graph {
    /// Reads the sources below a folder, without their tests.
    pub fn of(folder: &str) -> Graph {
        let sources: Vec<Source> = sources(folder).iter().map(Source::without_tests).collect();
        Graph::new(&sources)
    }

    pub fn new(sources: &[Source]) -> Graph {
        let names = Names::of(sources);
        let mut edges = Vec::new();
        for source in sources {
            for import in source.imports() {
                let (from, to) = (source.module_path(), names.home(&import.path, 0));
                let line = source.offence(import.line, &format!("names `{}`", to.join("::")));
                edges.push(Edge { from, to, line });
            }
        }
        Graph { edges }
    }

    /// Each import between two top-level modules: the two modules and the line. The crate's root may import all.
    pub fn between_top_level_modules(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.edges.iter().filter_map(|edge| {
            let (from, to) = (edge.from.first()?, edge.to.first()?);
            (from != to).then_some((&**from, &**to, &*edge.line))
        })
    }

    /// Every circle.
    pub fn circles(&self) -> Vec<Circle> {
        let parents = self
            .edges
            .iter()
            .flat_map(|edge| (0..edge.from.len()).map(|n| &edge.from[..n]));
        let parents: BTreeSet<&[String]> = parents.collect();
        parents
            .into_iter()
            .flat_map(|parent| self.circles_in(parent))
            .collect()
    }

    /// The circles among the modules right below `parent`.
    fn circles_in(&self, parent: &[String]) -> Vec<Circle> {
        let mut needs: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
        for edge in &self.edges {
            if let (Some(from), Some(to)) = (below(parent, &edge.from), below(parent, &edge.to))
                && from != to
            {
                needs.entry(from).or_default().entry(to).or_insert(&edge.line);
            }
        }
        let mut circles = Vec::new();
        let mut seen = BTreeSet::new();
        for start in needs.keys() {
            if seen.contains(start) {
                continue;
            }
            let there = reach(&needs, start);
            let back = |module: &&&str| reach(&needs, module).contains(*start);
            let circle: BTreeSet<&str> = there.iter().filter(back).copied().collect();
            seen.extend(circle.iter().copied());
            if circle.contains(start) {
                circles.push(describe(parent, &circle, &needs));
            }
        }
        circles
    }
}

fn describe(
    parent: &[String],
    circle: &BTreeSet<&str>,
    needs: &BTreeMap<&str, BTreeMap<&str, &str>>,
) -> Circle {
    let mut lines = String::new();
    for (from, needed) in needs.iter().filter(|(from, _)| circle.contains(*from)) {
        for (to, line) in needed.iter().filter(|(to, _)| circle.contains(*to)) {
            let _ = write!(lines, "\n    {from} → {to}: {line}");
        }
    }
    Circle {
        below: parent.join("::"),
        members: circle.iter().map(|member| (*member).to_owned()).collect(),
        lines,
    }
}

/// The child of `parent` that is `module` or contains it.
fn below<'m>(parent: &[String], module: &'m [String]) -> Option<&'m str> {
    module.strip_prefix(parent)?.first().map(String::as_str)
}

/// The modules that `start` needs, directly or through others.
fn reach<'m>(needs: &BTreeMap<&'m str, BTreeMap<&'m str, &str>>, start: &str) -> BTreeSet<&'m str> {
    let (mut found, mut open) = (BTreeSet::new(), vec![start]);
    while let Some(next) = open.pop() {
        for to in needs.get(next).into_iter().flat_map(BTreeMap::keys) {
            if found.insert(*to) {
                open.push(to);
            }
        }
    }
    found
}

/// The modules of a crate, and the names that each of them imports.
struct Names {
    modules: BTreeMap<Module, BTreeMap<String, Module>>,
}

impl Names {
    fn of(sources: &[Source]) -> Names {
        let paths: Vec<Module> = sources.iter().map(Source::module_path).collect();
        let mut modules = BTreeMap::new();
        for source in sources {
            let path = source.module_path();
            let below = paths.iter().filter_map(|other| other.strip_prefix(&path[..]));
            let children: Vec<String> = below.filter_map(|rest| rest.first().cloned()).collect();
            let names = source.names(&children).into_iter();
            let names: BTreeMap<_, _> = names.map(|import| (import.name, import.path)).collect();
            modules.entry(path).or_insert_with(BTreeMap::new).extend(names);
        }
        Names { modules }
    }

    /// The module that defines the item at `path`. It follows a name that a module imports to its origin.
    fn home(&self, path: &[String], steps: usize) -> Module {
        let longest = (0..=path.len())
            .rev()
            .find(|n| self.modules.contains_key(&path[..*n]));
        let (module, rest) = path.split_at(longest.unwrap_or(0));
        let imported = rest.first().and_then(|name| self.modules.get(module)?.get(name));
        match imported {
            Some(target) if steps < 8 && target != path => {
                let further: Module = target.iter().chain(&rest[1..]).cloned().collect();
                self.home(&further, steps + 1)
            }
            _ => module.to_vec(),
        }
    }
}
