//! Tasks in a number that would take too long to make through a socket.

use super::{Engine, Server};

/// The columns of a task that a copy of it keeps.
const KEPT: &str =
    "workspace_id, completed, priority, all_day, tags, comment_count, attachment_count, is_deleted, version,
    created_by, created_at, updated_at, dated_by_id";

/// Puts copies of a task into the database: `values` are further columns with expressions of the number `i`.
pub async fn copy(server: &Server, engine: Engine, title: &str, number: usize, values: &[(&str, &str)]) {
    let (id, more) = match engine {
        Engine::Sqlite => ("randomblob(16)", ""),
        Engine::Postgres => ("gen_random_uuid()", ", search"),
    };
    let given = |column: &str| {
        values
            .iter()
            .find(|(name, _)| *name == column)
            .map(|(_, value)| *value)
    };
    let others = ["title", "parent_id", "project_id", "position", "assignee_ids"];
    let values: Vec<&str> = others
        .iter()
        .map(|column| given(column).unwrap_or(column))
        .collect();
    let copy = format!(
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < {number})
         insert into tasks (id, {KEPT}{more}, {}) select {id}, {KEPT}{more}, {} from n cross join tasks where title = '{title}'",
        others.join(", "),
        values.join(", "),
    );
    server.database.execute(&copy).await;
}
