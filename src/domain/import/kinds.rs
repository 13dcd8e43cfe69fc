//! What a list or a bucket of another program means for its tasks, told by its name. Only a name that says nothing else
//! counts: the tasks of a stage of kind `done` are completed, so “Not done yet” must not be one.

use taskwire_protocol::stage::StageKind;

/// Words of lists whose tasks are done.
const DONE: [&str; 12] = [
    "done",
    "complete",
    "completed",
    "finished",
    "closed",
    "shipped",
    "released",
    "erledigt",
    "fertig",
    "fait",
    "terminé",
    "hecho",
];
/// Words of lists whose tasks somebody works on.
const ACTIVE: [&str; 13] = [
    "doing",
    "progress",
    "active",
    "ongoing",
    "wip",
    "review",
    "testing",
    "working",
    "started",
    "development",
    "arbeit",
    "bearbeitung",
    "cours",
];
/// Words that change nothing beside those of a kind: “Done this week”, “In code review”.
const BESIDE_DONE: [&str; 9] = [
    "all", "and", "this", "last", "week", "month", "sprint", "year", "today",
];
const BESIDE_ACTIVE: [&str; 12] = [
    "in",
    "under",
    "being",
    "work",
    "code",
    "peer",
    "currently",
    "now",
    "and",
    "this",
    "week",
    "en",
];

/// The kind of a stage with this name.
pub(super) fn of(name: &str) -> StageKind {
    let name = name.to_lowercase();
    let words = name.split(|c: char| !c.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    let says = |own: &[&str], beside: &[&str]| {
        words.iter().any(|word| own.contains(word))
            && words
                .iter()
                .all(|word| own.contains(word) || beside.contains(word) || is_number(word))
    };
    if says(&DONE, &BESIDE_DONE) {
        StageKind::Done
    } else if says(&ACTIVE, &BESIDE_ACTIVE) {
        StageKind::Active
    } else {
        StageKind::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_that_says_nothing_else_means_done() {
        for name in [
            "Done",
            "✅ Done!",
            "COMPLETED",
            "Done 2030",
            "Done this week",
            "Done & closed",
            "Terminé",
        ] {
            assert_eq!(of(name), StageKind::Done, "{name}");
        }
        for name in [
            "Doing",
            "In progress",
            "In Progress 🚧",
            "Code review",
            "Work in progress",
            "WIP",
            "In Arbeit",
        ] {
            assert_eq!(of(name), StageKind::Active, "{name}");
        }
        for name in [
            "",
            "🔥",
            "Ideas",
            "To do",
            "Not done yet",
            "Not started",
            "Almost done",
            "To be completed",
            "Review closed deals",
            "Closed deals",
            "Done?no",
            "To review",
            "Undone",
            "2030",
        ] {
            assert_eq!(of(name), StageKind::Open, "{name}");
        }
    }
}
