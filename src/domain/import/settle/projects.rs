//! The projects of a plan by their names. Where a file lists two with one name, the second gets another name: else their tasks
//! would be mixed.

use crate::domain::import::plan::PlannedProject;
use crate::domain::text;
use crate::unicode::{cut, name_key};
use std::collections::BTreeMap;
use taskwire_protocol::limits;

/// Room for a number behind a name.
const NUMBER: usize = 10;

/// The projects that are kept.
#[derive(Default)]
pub(super) struct Projects {
    pub(super) kept: Vec<PlannedProject>,
    places: BTreeMap<String, usize>,
    /// The last number behind each name. So many projects with one name do not try all numbers again and again.
    numbers: BTreeMap<String, usize>,
}

/// What makes a project the same as another one.
fn key(project: &PlannedProject) -> String {
    match project.reference {
        Some(reference) => reference.0.to_string(),
        None => name_key(&project.name),
    }
}

impl Projects {
    /// The place of the project that is kept and the same as this one.
    pub(super) fn place(&self, project: &PlannedProject) -> Option<usize> {
        self.places.get(&key(project)).copied()
    }

    /// Keeps a project. Returns its place.
    pub(super) fn add(&mut self, project: PlannedProject) -> usize {
        self.places.insert(key(&project), self.kept.len());
        self.kept.push(project);
        self.kept.len() - 1
    }

    /// A name that no project has yet: with the project above it, else with a number.
    pub(super) fn another_name(&mut self, project: &PlannedProject) -> String {
        let above = project.above.as_deref();
        let above = above.map(|above| format!("{} / {}", above.trim(), project.name));
        let is_free = |name: &String| !self.places.contains_key(&name_key(name));
        let is_name = |name: &String| text::name("name", name, 1, limits::PROJECT_NAME).is_ok();
        if let Some(name) = above.filter(|name| is_name(name) && is_free(name)) {
            return name;
        }
        // long names that begin alike share their numbers, too
        let begin = cut(&project.name, limits::PROJECT_NAME - NUMBER).trim_end();
        let number = self.numbers.entry(name_key(begin)).or_insert(1);
        loop {
            *number += 1;
            let name = format!("{begin} ({number})");
            if is_free(&name) {
                return name;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(name: &str, above: Option<&str>) -> PlannedProject {
        PlannedProject {
            name: name.to_owned(),
            above: above.map(str::to_owned),
            is_listed: true,
            ..PlannedProject::default()
        }
    }

    #[test]
    fn a_second_project_gets_the_name_of_the_one_above_or_a_number() {
        let mut projects = Projects::default();
        for name in ["Someday", "x (2)", "x"] {
            projects.add(project(name, None));
        }
        for (name, above, other) in [
            ("Someday", Some("Work"), "Work / Someday"),
            ("SOMEDAY", Some("Work"), "SOMEDAY (2)"),
            ("Someday", None, "Someday (3)"),
            ("x", None, "x (3)"),
        ] {
            let second = project(name, above);
            assert!(projects.place(&second).is_some());
            let given = projects.another_name(&second);
            assert_eq!(given, other);
            projects.add(project(&given, None));
        }
        let long = "é".repeat(limits::PROJECT_NAME);
        let given = projects.another_name(&project(&long, Some("Work")));
        assert!(given.ends_with(" (2)") && given.chars().count() <= limits::PROJECT_NAME);
    }

    #[test]
    fn many_projects_with_one_name_take_no_long_time() {
        let mut projects = Projects::default();
        for n in 0..20_000 {
            let long = format!("{}{n:08}", "a".repeat(limits::PROJECT_NAME - 8));
            let given = projects.another_name(&project(&long, None));
            projects.add(project(&given, None));
        }
        assert_eq!(projects.places.len(), 20_000);
    }
}
