-- Stages. A workspace without any here has the standard ones: todo, doing, done. A task's stage is in `stage` while it is
-- not completed, and in `done_stage` while it is; null stands for `todo` and `done`. So no row of an older version needs
-- to be rewritten.
alter table workspaces add column stages text;
alter table tasks add column stage text;
alter table tasks add column done_stage text;
-- The tasks that block a task, as JSON; null for none. The table has the same, to be found from both sides.
alter table tasks add column blocked_by text;
create table task_blocks (
  task_id blob not null,
  blocker_id blob not null,
  primary key (task_id, blocker_id)
) strict, without rowid;
create index task_blocks_blocker on task_blocks (blocker_id, task_id);

drop view tasks_by_workspace;
create view tasks_by_workspace as
  select k.number, k.id, k.workspace_id, t.project_id, t.parent_id, t.title, t.description, t.completed, t.completed_at,
    t.priority, t.due_at, t.all_day, t.remind_at, t.recurrence, t.position, t.tags, t.assignee_ids, t.comment_count,
    t.attachment_count, t.is_deleted, t.deleted_at, t.version, t.created_by, k.created_at, t.updated_at, k.dated_by_id,
    t.stage, t.done_stage, t.blocked_by
  from task_keys k left join tasks t on t.number = k.number
  union all
  select k.number, k.id, k.workspace_id, t.project_id, t.parent_id, t.title, t.description, t.completed, t.completed_at,
    t.priority, t.due_at, t.all_day, t.remind_at, t.recurrence, t.position, t.tags, t.assignee_ids, t.comment_count,
    t.attachment_count, t.is_deleted, t.deleted_at, t.version, t.created_by, k.created_at, t.updated_at, k.dated_by_id,
    t.stage, t.done_stage, t.blocked_by
  from task_keys_new k left join tasks t on t.number = k.number;
