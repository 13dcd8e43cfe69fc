//! Reports all problems of the settings at once. Each problem names the setting, the source of its value and the valid
//! values. Does not know which settings exist, and never contains a secret's value.

use std::fmt;

/// Why the settings cannot be used. Its text has a line for each [`Problem`].
#[derive(Debug, thiserror::Error)]
pub struct SettingsError {
    /// All problems, never empty.
    pub problems: Vec<Problem>,
}

impl SettingsError {
    /// The exit code of the process when its settings or its command line are refused.
    pub const EXIT_CODE: u8 = 2;

    /// All problems in one line, for the log.
    pub fn in_one_line(&self) -> String {
        let problems: Vec<String> = self.problems.iter().map(Problem::to_string).collect();
        problems.join("; ")
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => write!(out, "cannot start until this setting is corrected:")?,
            several => write!(out, "cannot start until these {several} settings are corrected:")?,
        }
        self.problems
            .iter()
            .try_for_each(|problem| write!(out, "\n  {problem}"))
    }
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The setting's name (`ops_burst`), or that of a source that cannot be read (`--config`).
    pub setting: String,
    /// Where the value came from: `environment variable TASKWIRE_LISTEN`, `file taskwire.toml`.
    pub origin: Option<String>,
    /// What is wrong, and which values are valid.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Some(origin) => write!(out, "{} ({origin}): {}", self.setting, self.message),
            None => write!(out, "{}: {}", self.setting, self.message),
        }
    }
}

/// The message for an unknown name. It proposes the most similar known name, if one is similar enough.
pub(super) fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    match nearest(name, known) {
        Some(known) => format!("unknown setting; did you mean {known}?"),
        None => "unknown setting; config.default.toml lists all settings".to_owned(),
    }
}

/// The known name that is nearest to a misspelt one, when one is near.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let nearest = known
        .map(|known| (distance(&name.to_lowercase(), &known.to_lowercase()), known))
        .min();
    let is_near = |(distance, _): &(usize, &str)| *distance <= (name.len() / 4).max(2);
    nearest.filter(is_near).map(|(_, known)| known)
}

/// Levenshtein distance: how many letters must be added, dropped or changed.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, other) in to.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, unknown};

    #[test]
    fn letters_added_dropped_or_changed_are_counted() {
        assert_eq!(distance("listen", "listen"), 0);
        assert_eq!(distance("lsten", "listen"), 1);
        assert_eq!(distance("listne", "listen"), 2);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn only_a_similar_name_is_proposed() {
        let known = ["listen", "data_dir"];
        assert!(unknown("lisen", known.into_iter()).ends_with("did you mean listen?"));
        assert!(!unknown("colour", known.into_iter()).contains("did you mean"));
    }
}
