//! How a file is laid out: its sections in their order, each record on a line of its own. Holds no record, so a writer needs
//! the memory of one.

use super::{
    ExportedAttachment, ExportedBlockers, ExportedComment, ExportedMember, ExportedProject, ExportedTag,
    ExportedTask, ExportedWorkspace, FORMAT, VERSION,
};
use serde::Serialize;
use serde_json::Result;

/// The arrays of a file, in their order.
const SECTIONS: [&str; 7] = [
    "members",
    "projects",
    "tags",
    "tasks",
    "blockers",
    "comments",
    "attachments",
];

/// A record of one of the arrays.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Record {
    /// Of `members`.
    Member(ExportedMember),
    /// Of `projects`.
    Project(ExportedProject),
    /// Of `tags`.
    Tag(ExportedTag),
    /// Of `tasks`.
    Task(Box<ExportedTask>),
    /// Of `blockers`.
    Blockers(ExportedBlockers),
    /// Of `comments`.
    Comment(ExportedComment),
    /// Of `attachments`.
    Attachment(ExportedAttachment),
}

impl Record {
    fn section(&self) -> usize {
        match self {
            Record::Member(_) => 0,
            Record::Project(_) => 1,
            Record::Tag(_) => 2,
            Record::Task(_) => 3,
            Record::Blockers(_) => 4,
            Record::Comment(_) => 5,
            Record::Attachment(_) => 6,
        }
    }
}

/// Writes a file front to back: [`Layout::begin`], the records in the order of the sections, [`Layout::end`].
#[derive(Clone, Debug)]
pub struct Layout {
    /// The section that is open.
    section: usize,
    /// Whether it has a record.
    has_records: bool,
}

impl Layout {
    /// Writes what comes before the records.
    ///
    /// # Errors
    /// The workspace cannot be written as JSON.
    pub fn begin(workspace: &ExportedWorkspace, text: &mut String) -> Result<Layout> {
        let (workspace, first) = (serde_json::to_string(workspace)?, SECTIONS[0]);
        for part in [
            "{\"format\":\"",
            FORMAT,
            "\",\"version\":",
            &VERSION.to_string(),
            ",\n\"workspace\":",
            &workspace,
            ",\n\"",
            first,
            "\":[",
        ] {
            text.push_str(part);
        }
        Ok(Layout {
            section: 0,
            has_records: false,
        })
    }

    /// Writes a record. One whose section has ended breaks the order of the document: it is a mistake of the caller.
    ///
    /// # Errors
    /// The record cannot be written as JSON.
    ///
    /// # Panics
    /// In a debug build, if the record's section has ended.
    pub fn write(&mut self, record: &Record, text: &mut String) -> Result<()> {
        debug_assert!(record.section() >= self.section, "the section has ended");
        self.go_to(record.section(), text);
        text.push_str(if self.has_records { ",\n" } else { "\n" });
        self.has_records = true;
        text.push_str(&serde_json::to_string(record)?);
        Ok(())
    }

    /// Writes what comes after the records.
    pub fn end(mut self, text: &mut String) {
        self.go_to(SECTIONS.len() - 1, text);
        text.push_str("\n]}\n");
    }

    fn go_to(&mut self, section: usize, text: &mut String) {
        while self.section < section {
            self.section += 1;
            self.has_records = false;
            for part in ["\n],\n\"", SECTIONS[self.section], "\":["] {
                text.push_str(part);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Ref, WorkspaceExport};
    use super::*;
    use crate::member::Role;
    use crate::task::Priority;
    use crate::{Timestamp, UserId, WorkspaceId};
    use uuid::Uuid;

    const TIME: Timestamp = Timestamp(1_800_000_000_000);

    fn workspace(low: u32) -> WorkspaceId {
        WorkspaceId(Uuid::from_u128(
            0x0199_0000_0000_7000_8000_0000_0000_0000 | u128::from(low),
        ))
    }

    fn task(reference: Ref, parent: Option<Ref>) -> Record {
        Record::Task(Box::new(super::super::ExportedTask {
            reference,
            parent,
            project: None,
            title: "Buy \"milk\"\n\u{2028}".into(),
            description: Some("Ünïcode 🥛".into()),
            stage: "todo".into(),
            completed_at: None,
            priority: Priority::High,
            due_at: Some(TIME),
            all_day: true,
            remind_at: None,
            recurrence: Some("FREQ=DAILY".into()),
            position: "a0".into(),
            tags: vec!["home".into()],
            assignees: vec![UserId(Uuid::from_u128(1))],
            deleted_at: None,
            created_by: UserId(Uuid::from_u128(1)),
            created_at: TIME,
            updated_at: TIME,
        }))
    }

    fn records() -> Vec<Record> {
        let (first, second) = (Ref(Uuid::from_u128(1)), Ref(Uuid::from_u128(2)));
        vec![
            Record::Member(ExportedMember {
                id: UserId(Uuid::from_u128(1)),
                username: "ada".into(),
                name: "Ada".into(),
                role: Role::Owner,
            }),
            Record::Tag(ExportedTag {
                name: "home".into(),
                color: None,
            }),
            task(first, None),
            task(second, Some(first)),
            Record::Blockers(ExportedBlockers {
                task: first,
                blocked_by: vec![second],
            }),
            Record::Comment(ExportedComment {
                task: second,
                author: UserId(Uuid::from_u128(1)),
                author_name: "Ada".into(),
                body: "Oat milk".into(),
                mentions: Vec::new(),
                created_at: TIME,
                updated_at: TIME,
            }),
        ]
    }

    fn written(records: &[Record]) -> String {
        let about = ExportedWorkspace {
            name: "Home".into(),
            stages: crate::stage::Stages::default(),
        };
        let mut text = String::new();
        let mut layout = Layout::begin(&about, &mut text).expect("JSON");
        for record in records {
            layout.write(record, &mut text).expect("JSON");
        }
        layout.end(&mut text);
        text
    }

    #[test]
    fn a_file_reads_back_as_what_was_written_and_each_record_has_a_line() {
        let text = written(&records());
        let read: WorkspaceExport = serde_json::from_str(&text).expect("a file");
        assert_eq!((&*read.format, read.version), (FORMAT, VERSION));
        let again = read.members.into_iter().map(Record::Member);
        let again = again.chain(read.projects.into_iter().map(Record::Project));
        let again = again.chain(read.tags.into_iter().map(Record::Tag));
        let again = again.chain(read.tasks.into_iter().map(|task| Record::Task(Box::new(task))));
        let again = again.chain(read.blockers.into_iter().map(Record::Blockers));
        let again = again.chain(read.comments.into_iter().map(Record::Comment));
        let again = again.chain(read.attachments.into_iter().map(Record::Attachment));
        let again: Vec<Record> = again.collect();
        assert_eq!(again, records());
        assert_eq!(written(&again), text);
        let lines = |line: &&str| line.starts_with("{\"") && line.trim_end_matches(',').ends_with('}');
        assert_eq!(text.lines().filter(lines).count(), records().len());
    }

    #[test]
    fn a_workspace_with_nothing_in_it_is_a_file_too() {
        let text = written(&[]);
        let read: WorkspaceExport = serde_json::from_str(&text).expect("a file");
        assert!(read.tasks.is_empty() && read.attachments.is_empty());
        // a cut file is no JSON
        for end in 0..text.trim_end().len() {
            assert!(serde_json::from_str::<WorkspaceExport>(&text[..end]).is_err());
        }
    }

    #[test]
    fn a_copy_of_a_workspace_has_the_same_references_and_other_ids() {
        let (first, second) = (workspace(0x1234_5678), workspace(0x9abc_def0));
        let id = Uuid::from_u128(0x0199_1111_2222_7333_8444_5555_6666_7777);
        let reference = Ref::of(first, id);
        assert_eq!(reference.id_in(first), id);
        let copy = reference.id_in(second);
        assert_ne!(copy, id);
        assert_eq!(Ref::of(second, copy), reference);
        assert_eq!(
            (copy.get_version_num(), copy.as_u128() >> 32),
            (7, id.as_u128() >> 32)
        );
    }
}
