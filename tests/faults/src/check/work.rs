//! I5 and I12: what the acknowledged work of teammates must have left, against the tables and the folder of files.

use crate::load::hash;
use crate::load::kept::{Fate, Kept};
use crate::truth::Tables;
use crate::verdict::{Invariant, Verdicts};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use uuid::Uuid;

/// How many milliseconds after its time somebody may still not have been told. Instances may be restarted meanwhile.
const LATE: i64 = 30_000;

/// I5: each comment is there once, with its task; so is each task of an import; each series has one next task; everybody
/// was told once.
pub(crate) fn done(kept: &Kept, tables: &Tables, verdicts: &Verdicts) {
    let mut bodies: HashMap<u64, usize> = HashMap::new();
    for (_, body) in tables.comments.values() {
        *bodies.entry(*body).or_default() += 1;
    }
    for (id, comment) in &kept.comments {
        verdicts.checked(Invariant::I5, 1);
        let row = tables.comments.get(id);
        let expected = (!comment.is_deleted).then_some((comment.task, comment.body));
        let times = bodies.get(&comment.body).copied().unwrap_or_default();
        if row.copied() != expected || times != usize::from(!comment.is_deleted) {
            let what =
                format!("comment {id}: {comment:?}, the table has {row:?}, and its body {times} times");
            verdicts.violated(Invariant::I5, what);
        }
    }
    for (title, expected) in &kept.titles {
        verdicts.checked(Invariant::I5, 1);
        let there = tables.titles.get(&hash(title.as_bytes())).copied();
        let there = there.unwrap_or_default();
        if there != *expected {
            let what = format!("{there} tasks have the title “{title}”, {expected} should");
            verdicts.violated(Invariant::I5, what);
        }
    }
    told(kept, tables, verdicts);
    counted(tables, verdicts);
}

fn told(kept: &Kept, tables: &Tables, verdicts: &Verdicts) {
    let mut expected: HashMap<(Uuid, Uuid, &str), (usize, i64)> = HashMap::new();
    for notice in &kept.notices {
        let (times, at) = expected
            .entry((notice.user, notice.task, notice.kind))
            .or_default();
        (*times, *at) = (*times + 1, notice.at.max(*at));
    }
    for ((user, task, kind), (times, at)) in expected {
        verdicts.checked(Invariant::I5, 1);
        let found = tables.notices.get(&(user, task, kind.to_owned()));
        let found = found.copied().unwrap_or_default();
        let may_wait = tables.now < at + LATE;
        if found != times && !(may_wait && found < times) {
            let what = format!(
                "{user} should be told {times} times ({kind}) of task {task}, was told {found} times"
            );
            verdicts.violated(Invariant::I5, what);
        }
    }
}

/// I5: each task counts as many comments and attachments as there are.
fn counted(tables: &Tables, verdicts: &Verdicts) {
    let mut there: HashMap<Uuid, (i64, i64)> = HashMap::new();
    for (task, _) in tables.comments.values() {
        there.entry(*task).or_default().0 += 1;
    }
    for (task, _) in tables.attachments.values() {
        if let Some(task) = task {
            there.entry(*task).or_default().1 += 1;
        }
    }
    for (task, counts) in &tables.counts {
        verdicts.checked(Invariant::I5, 1);
        let there = there.remove(task).unwrap_or_default();
        if there != (counts.comments, counts.attachments) {
            let what = format!("task {task} has {there:?} comments and attachments, and counts {counts:?}");
            verdicts.violated(Invariant::I5, what);
        }
    }
    for task in there.keys() {
        let what = format!("comments or attachments are of the task {task}, which is not there");
        verdicts.violated(Invariant::I5, what);
    }
}

/// I12: each acknowledged upload has its row, with its task and size; one whose deletion was acknowledged has none of a task.
pub(crate) fn uploads(kept: &Kept, tables: &Tables, verdicts: &Verdicts) {
    for (id, file) in &kept.files {
        verdicts.checked(Invariant::I12, 1);
        let row = tables.attachments.get(id);
        let fine = match row {
            Some((Some(task), size)) => {
                *task == file.task && *size as u64 == file.size && file.fate != Fate::Gone
            }
            Some((None, _)) | None => file.fate != Fate::Stays,
        };
        if !fine {
            let what = format!("attachment {id}: {file:?}, the table has {row:?}");
            verdicts.violated(Invariant::I12, what);
        }
    }
}

/// I12: what the folder of files and the table do not have in common, once what interruptions left was cleared.
pub(crate) fn unmatched(rows: &BTreeSet<Uuid>, files: &BTreeSet<String>) -> Option<String> {
    let expected: BTreeSet<String> = rows.iter().map(Uuid::to_string).collect();
    let extra: Vec<&String> = files.difference(&expected).take(5).collect();
    let missing: Vec<&String> = expected.difference(files).take(5).collect();
    let differ = !extra.is_empty() || !missing.is_empty();
    differ.then(|| format!("files without an attachment: {extra:?}; attachments without a file: {missing:?}"))
}

/// The names of all files below a folder. A draft has a name that no attachment has.
pub(crate) fn names(folder: &Path) -> std::io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            // a folder may go with its last file
            names.extend(self::names(&entry.path()).unwrap_or_default());
        } else {
            names.insert(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}
