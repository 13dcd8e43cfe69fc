//! Makes the tasks of a filled workspace differ, so that every order and filter of lists has something to do.

use super::Database;
use uuid::Uuid;

/// The project that some tasks are in. It has no row.
pub(crate) const PROJECT: Uuid = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_00b0);

/// What the title of the task `m.i` begins with.
const NUMBER: &str = "((m.i * 7919) % 1000003)";

impl Database {
    /// The statements that change prepared operations after their rows are written. Every statement binds the first and the
    /// last operation. `tag` is what the words of the workspace begin with. A quarter of the tasks is completed, a fiftieth deleted; half of them have a date in one of 100 days.
    pub(crate) fn vary(&self, workspace: &str, owner: &str, tag: &str) -> Vec<String> {
        let (first, last) = self.parameters();
        let project = self.value(PROJECT);
        let these = format!("from made where i between {first} and {last}");
        let new_words = self.dialect().new_words(tag, NUMBER);
        let tag = "case when i % 5000 = 0 then 'rare' else 'tag' || (i % 50) end";
        let status = |column: &str, part: &str| {
            let count = format!("(select count(*) {these} and {part})");
            format!("update streams set {column} = {column} + {count} where id = {workspace}")
        };
        let less = |part: &str| {
            let count = format!("(select count(*) {these} and {part})");
            format!("update streams set pending = pending - {count} where id = {workspace}")
        };
        let (completed, deleted) = ("i % 4 = 0 and i % 50 <> 1", "i % 50 = 1");
        vec![
            format!(
                "update tasks set priority = m.i % 5, due_at = case when m.i % 2 = 0 then 1893456000000 + (m.i % 100) * 86400000 end, \
                 completed = m.i % 4 = 0, completed_at = case when m.i % 4 = 0 then m.at end, is_deleted = m.i % 50 = 1, \
                 deleted_at = case when m.i % 50 = 1 then m.at end, updated_at = m.at + (m.i * 7919) % 100000, \
                 position = substr(m.position, 1, 20) || (m.i * 7919) % 100000 || '1', \
                 title = {NUMBER} || ' task ' || m.i || ' of a load test, as long as titles are'{new_words}, \
                 project_id = case when m.i % 20 = 3 then {project} end, tags = '[\"' || {} || '\"]', \
                 assignee_ids = case when m.i % 10 = 0 then '[\"' || {} || '\"]' else '[]' end \
                 from made m where tasks.id = m.task and m.i between {first} and {last}",
                tag.replace("i %", "m.i %"),
                self.text_of("m.owner"),
            ),
            format!(
                "insert into task_tags (workspace_id, tag, task_id, name) select workspace, {tag}, task, {tag} {these}"
            ),
            format!(
                "insert into task_assignees (user_id, workspace_id, task_id) select {owner}, workspace, task {these} and i % 10 = 0"
            ),
            status("completed", completed),
            less(completed),
            status("deleted", deleted),
            less(deleted),
        ]
    }

    /// The text of an id in a column.
    fn text_of(&self, column: &str) -> String {
        match self {
            Database::Sqlite(_) => {
                let hex = format!("lower(hex({column}))");
                let part = |from: u8, length: u8| format!("substr({hex}, {from}, {length})");
                let parts = [part(1, 8), part(9, 4), part(13, 4), part(17, 4), part(21, 12)];
                parts.join(" || '-' || ")
            }
            Database::Postgres(_) => format!("{column}::text"),
        }
    }
}
