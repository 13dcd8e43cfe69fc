//! The main lists stay fast in large databases. The test reads the plans of the statements that really run, and refuses
//! one that scans a table or sorts everything that it finds.

use crate::on_both_databases;
use crate::support::{Engine as Database, Server};
use serde_json::{Value, json};
use sqlx::Executor;
use taskwire::config::Settings;
use taskwire::store::notifications::{self, Selection};
use taskwire::store::statistics::{self, Wanted};
use taskwire::store::task_list::{self, Draft, PageEnd, Scope, Words};
use taskwire::store::{
    Plan, Reader, Store, attachments, comments, log, members, purges, streams, tasks, workspaces,
};
use taskwire_protocol::notification::NotificationSort;
use taskwire_protocol::task::ListTasks;
use taskwire_protocol::{StreamId, TaskId, UserId, WorkspaceId};
use uuid::Uuid;

on_both_databases!(no_main_list_scans_or_sorts_a_whole_table);

/// The id of the workspace, user and task of most statements.
const ONE: Uuid = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0001);

/// Orders without an index, because every write would pay for it. They sort, but only the workspace's rows.
const SORTED: [&str; 4] = ["updated_at", "priority", "title", "position"];

/// An id in the middle of the tasks and notifications; below, one in the middle of the members and workspaces.
const MIDDLE: Uuid = Uuid::from_u128(ONE.as_u128() + 30_000);
const MIDDLE_OF_FEW: Uuid = Uuid::from_u128(ONE.as_u128() + 1000);

/// PostgreSQL's plans depend on the data, so the tables need many rows. Most belong to other users. One task has
/// several pages of entries, because PostgreSQL may sort a few rows. SQLite's plans depend on the indexes alone.
const MUCH: &str = "
    create function id(bigint) returns uuid language sql immutable as
      $$ select ('01990000-0000-7000-8000-' || lpad(to_hex($1), 12, '0'))::uuid $$;
    insert into users select id(n), n::text, n::text, n::text, n::text, 'Name', '', 0, 0, true, true, 'UTC', '{}', null, 0,
      id(n), 1, 0, 0 from generate_series(1, 4000) n;
    insert into workspaces select id(n), 'w', 1, 1, 0, 0 from generate_series(1, 4000) n;
    insert into members (workspace_id, user_id, role, joined_at, version) select id(1), id(n), 2, 0, 1 from generate_series(1, 2000) n;
    insert into members (workspace_id, user_id, role, joined_at, version) select id(n), id(1), 2, 0, 1 from generate_series(2, 2000) n;
    insert into streams select id(n), 1, 10000, 0, 0, 0, 0, 0 from generate_series(1, 4000) n;
    insert into tasks (id, workspace_id, parent_id, title, completed, priority, due_at, all_day, position, tags,
      assignee_ids, comment_count, attachment_count, is_deleted, version, created_by, created_at, updated_at, dated_by_id, search)
    select id(n), id(1 + n % 20), case when n % 5 = 0 then id(n - 1) end, 'title ' || n, n % 3 = 0, n % 5,
      case when n / 20 % 2 = 0 then n end, false, n::text, '[]', '[]', 0, 0, n % 3 = 1, 1, id(1), n, 2 * n, n % 7 > 0, to_tsvector('simple', 'title ' || n)
    from generate_series(1, 60000) n;
    insert into task_assignees select id(1 + n % 300), id(1 + n % 20), id(n) from generate_series(1, 60000) n;
    insert into comments select id(n), id(1), id(1 + n % 3000), id(1 + n % 3000), 'b', '[]', '[]', 1, n, n from generate_series(1, 60000) n;
    insert into attachments select id(n), id(1), case when n % 100 > 0 then id(1 + n % 3000) end, 'a', 1, 'text/plain',
      id(1 + n % 3000), n from generate_series(1, 60000) n;
    update tasks set stage = 'doing' where id in (select id(n * 3 + 1) from generate_series(1, 15000) n);
    update tasks set blocked_by = '[]' where id in (select id(n * 7) from generate_series(1, 8000) n);
    insert into task_blocks select id(n * 7), id(n * 7 + k) from generate_series(1, 8000) n, generate_series(1, 3) k;
    insert into notifications select id(1 + n % 20), id(n), 'TASK_CREATED', 't', 'm', n % 3 = 0, id(n), id(1), id(1 + n % 9), 1,
      n from generate_series(1, 60000) n;
    insert into log (stream, seq, at, task_id, frame) select id(1 + n % 20), n / 20, n, id(1 + n % 20), '{}' from generate_series(0, 79999) n;
    insert into tally_counts select id(1 + n % 20), 1 + n % 4, n::text, n from generate_series(1, 20000) n;
    insert into tally_days select id(1 + n % 20), 1 + n % 4, n / 20, n, '{}' from generate_series(1, 40000) n;
    insert into purges select id(100000 + n), id(1 + n % 20), n from generate_series(1, 20000) n;
    update tasks set deleted_at = created_at where is_deleted;
    analyze;
";

async fn no_main_list_scans_or_sorts_a_whole_table(database: Database) {
    let server = Server::prepare(database, &[]).await;
    let data = server.folder.path().join("data").display().to_string();
    let pairs = [("data_dir", &*data), ("database_url", &*server.database.url)];
    let settings = Settings::from_pairs(&pairs).expect("settings");
    settings.create_data_dir().expect("a folder");
    let store = Store::open(&settings).await.expect("a database");
    if database == Database::Postgres {
        let mut link = server.database.link().await;
        link.execute(MUCH).await.expect("rows");
    }
    let mut reader = store.read().await.expect("a reader");
    reader.explain();
    task_lists(&mut reader).await;
    tasks_of_a_person(&mut reader).await;
    other_lists(&mut reader).await;
    positions(&mut reader).await;
    counts(&mut reader).await;
    drop(reader);
    store.close(std::time::Duration::from_secs(5)).await;
}

/// Of counts there are few: they may be sorted.
async fn counts(reader: &mut Reader) {
    let wanted = Wanted {
        made: (100, 466),
        due: (465, 467),
        today: 466,
        now: 466 * 86_400_000,
    };
    let counted = statistics::read(reader, WorkspaceId(ONE), wanted).await;
    counted.expect("counts");
    check_by(reader, "stats.get", is_scan);
}

async fn task_lists(reader: &mut Reader) {
    let sorts = [
        "created_at",
        "updated_at",
        "due_at",
        "priority",
        "title",
        "position",
    ];
    let mut wanted = vec![json!({})];
    for sort in sorts {
        wanted.extend([json!({ "sort": sort }), json!({ "sort": format!("-{sort}") })]);
    }
    for status in ["all", "pending", "completed", "deleted"] {
        wanted.push(json!({ "status": status }));
    }
    wanted.extend([json!({ "stage": "doing" }), json!({ "ready": true })]);
    wanted.push(json!({ "date_from": "1970-01-01T00:00:01.000Z", "date_to": "1970-01-01T00:00:50.000Z" }));
    for wanted in wanted {
        let list: ListTasks = serde_json::from_value(wanted.clone()).expect("parameters");
        let place = Scope::Workspace(WorkspaceId(ONE));
        let undated =
            matches!(wanted["sort"].as_str(), Some("due_at" | "-due_at")).then_some(PageEnd::Void(ONE));
        for after in [None, Some(middle(&wanted)), undated] {
            let page = task_list::list(reader, place, (&list, &Words::NONE), after.as_ref(), 51).await;
            page.expect("a page");
            let what = format!("task.list {wanted} after {after:?}");
            let sort = wanted["sort"].as_str().unwrap_or_default();
            // PostgreSQL may expect few tasks, and sort them
            let is_filtered = wanted["stage"].is_string() || wanted["ready"] == true;
            if is_filtered || SORTED.contains(&sort.trim_start_matches('-')) {
                check_by(reader, &what, is_scan);
            } else {
                check(reader, &what);
            }
        }
    }
    let draft = Draft::begin(reader, WorkspaceId(ONE)).await.expect("an answer");
    // SQLite's tables are empty
    if let Some(mut draft) = draft {
        let read = draft.read_on(reader).await;
        assert!(read.expect("the first tasks of an index"), "there are more");
    }
    check(reader, "building an index for lists");
    let page = task_list::these(reader, &[ONE, MIDDLE]).await;
    page.expect("the tasks of a page");
    check(reader, "tasks by id");
    for after in [None, Some(MIDDLE)] {
        let page = tasks::sync(reader, WorkspaceId(ONE), after, 201).await;
        page.expect("a page");
        check(reader, "workspace.sync");
    }
    members::find_role_at_task(reader, UserId(ONE), TaskId(ONE))
        .await
        .expect("an answer");
    tasks::find(reader, TaskId(ONE)).await.expect("an answer");
    check(reader, "task.get");
}

/// The tasks of one person are found by that person. They are few, and sorted.
async fn tasks_of_a_person(reader: &mut Reader) {
    for sort in [
        "-created_at",
        "updated_at",
        "due_at",
        "-due_at",
        "priority",
        "title",
        "position",
    ] {
        for status in ["all", "pending", "completed", "deleted"] {
            let wanted = json!({ "assignee_id": ONE, "sort": sort, "status": status });
            let list: ListTasks = serde_json::from_value(wanted.clone()).expect("parameters");
            for scope in [Scope::Workspace(WorkspaceId(ONE)), Scope::OfUser(UserId(ONE))] {
                for after in [None, Some(middle(&wanted))] {
                    let page =
                        task_list::list(reader, scope, (&list, &Words::NONE), after.as_ref(), 51).await;
                    page.expect("a page");
                    check_by(
                        reader,
                        &format!("{wanted} in {scope:?} after {after:?}"),
                        looks_at_many,
                    );
                }
                task_list::count(reader, scope, (&list, &Words::NONE))
                    .await
                    .expect("a count");
                check_by(
                    reader,
                    &format!("the count of {wanted} in {scope:?}"),
                    looks_at_many,
                );
            }
        }
    }
}

/// A position in the middle of a list.
fn middle(wanted: &Value) -> PageEnd {
    match wanted["sort"]
        .as_str()
        .unwrap_or_default()
        .trim_start_matches('-')
    {
        "title" => PageEnd::Text("title 5".to_owned(), ONE),
        "position" => PageEnd::Text("5".to_owned(), ONE),
        "priority" => PageEnd::Number(2, ONE),
        _ => PageEnd::Number(30_000, ONE),
    }
}

async fn other_lists(reader: &mut Reader) {
    for unread_only in [false, true] {
        for sort in [NotificationSort::CreatedAt, NotificationSort::CreatedAtDesc] {
            for after in [None, Some(MIDDLE)] {
                let wanted = Selection {
                    unread_only,
                    sort,
                    after,
                    limit: 51,
                };
                let page = notifications::list(reader, UserId(ONE), wanted).await;
                page.expect("a page");
                check(reader, &format!("notification.list {wanted:?}"));
            }
        }
    }
    for after in [None, Some(MIDDLE)] {
        let page = comments::list(reader, TaskId(ONE), after, 51).await;
        page.expect("a page");
        check_by(reader, "comment.list", looks_at_many);
        let page = comments::list_by(reader, UserId(ONE), after, 251).await;
        page.expect("a page");
        check_by(reader, "the comments of an export", looks_at_many);
        let page = attachments::list(reader, TaskId(ONE), after, 51).await;
        page.expect("a page");
        check_by(reader, "attachment.list", looks_at_many);
        let page = attachments::list_by(reader, UserId(ONE), after, 251).await;
        page.expect("a page");
        check_by(reader, "the attachments of an export", looks_at_many);
    }
    let bytes = attachments::bytes_by(reader, UserId(ONE)).await;
    bytes.expect("a sum");
    check_by(reader, "the bytes of a user", looks_at_many);
    let removed = attachments::removed(reader, WorkspaceId(ONE), 100).await;
    removed.expect("attachments");
    check_by(reader, "attachments that were removed", looks_at_many);
    for after in [(i64::MAX, Uuid::nil()), (30_000, MIDDLE)] {
        let page = tasks::deleted_before(reader, after, 101).await;
        page.expect("a page");
        check(reader, "tasks that were deleted long ago");
    }
    purges::next(reader, TaskId(ONE)).await.expect("a place");
    check(reader, "what is to be forgotten");
    let users = notifications::who_has_before(reader, MIDDLE, Uuid::nil(), 500).await;
    users.expect("users");
    check(reader, "who has old notifications");
    for after in [None, Some(MIDDLE_OF_FEW)] {
        let page = members::list(reader, WorkspaceId(ONE), after, 51).await;
        page.expect("a page");
        check(reader, "member.list");
        let page = workspaces::list(reader, UserId(ONE), after, 51).await;
        page.expect("a page");
        check(reader, "workspace.list");
    }
}

/// The queries of a resume and of `stream.history`.
async fn positions(reader: &mut Reader) {
    let stream = StreamId::Workspace(WorkspaceId(ONE));
    log::page(reader, stream, 2000, 101).await.expect("a page");
    check(reader, "stream.history");
    let history = log::page_of_task(reader, stream, TaskId(ONE), 0, 101).await;
    history.expect("a page");
    check(reader, "stream.history of a task");
    log::range(reader, stream).await.expect("a range");
    check(reader, "a resume");
    streams::counters(reader, stream).await.expect("counters");
    check(reader, "counters");
}

fn check(reader: &mut Reader, what: &str) {
    check_by(reader, what, is_slow);
}

fn check_by(reader: &mut Reader, what: &str, refused: fn(&str) -> bool) {
    let plans = reader.take_plans();
    assert!(!plans.is_empty(), "{what} ran no statement");
    for Plan { text, steps } in plans {
        // SQLite also calls a read of a view by its keys a scan: one for each view
        let mut views = steps
            .iter()
            .filter(|step| step.starts_with("CO-ROUTINE "))
            .count();
        for (i, step) in steps.iter().enumerate() {
            if sorts_a_page(&steps[i..]) {
                continue;
            }
            if views > 0 && step.starts_with("SCAN ") {
                views -= 1;
                continue;
            }
            assert!(!refused(step), "{what}: {step}\n{text}\n{}", steps.join("\n"));
        }
    }
}

/// A step that reads a whole table, in SQLite's words or PostgreSQL's.
fn is_scan(step: &str) -> bool {
    let step = bare(step);
    // a parameter with ids is no table
    let scans = step.starts_with("SCAN ")
        && !step.starts_with("SCAN json_each")
        && !step.starts_with("SCAN CONSTANT");
    scans || step.starts_with("Seq Scan") || step.starts_with("Parallel")
}

/// A step that reads or sorts far more than a page.
fn is_slow(step: &str) -> bool {
    let sorts = step.contains("TEMP B-TREE") || bare(step).starts_with("Sort (");
    looks_at_many(step) || sorts
}

/// A step that reads far more than a page.
fn looks_at_many(step: &str) -> bool {
    let removed = bare(step).strip_prefix("Rows Removed by Filter: ");
    let many = removed
        .and_then(|rows| rows.parse().ok())
        .is_some_and(|rows: u64| rows > 500);
    is_scan(step) || many
}

/// Whether a step sorts only the rows that a limit let through, as PostgreSQL does.
fn sorts_a_page(steps: &[String]) -> bool {
    let nodes = steps.iter().filter(|step| step.contains("(actual "));
    let mut nodes = nodes
        .map(|step| bare(step))
        .filter(|step| !step.starts_with("Subquery Scan "));
    nodes.next().is_some_and(|step| step.starts_with("Sort ("))
        && nodes.next().is_some_and(|step| step.starts_with("Limit "))
}

fn bare(step: &str) -> &str {
    step.trim().trim_start_matches("-> ").trim()
}

#[test]
fn slow_plans_are_recognized() {
    for slow in [
        "SCAN t",
        "USE TEMP B-TREE FOR ORDER BY",
        "  ->  Sort (actual rows=20000 loops=1)",
        "Seq Scan on tasks t (actual rows=3 loops=1)",
        "  Rows Removed by Filter: 9000",
    ] {
        assert!(is_slow(slow), "{slow}");
    }
    for fast in [
        "SEARCH t USING INDEX tasks_created (workspace_id=?)",
        "Limit (actual rows=51 loops=1)",
        "  ->  Index Scan using tasks_created on tasks t (actual rows=51 loops=1)",
        "  Rows Removed by Filter: 12",
    ] {
        assert!(!is_slow(fast), "{fast}");
    }
}
