-- Stages. A workspace without any here has the standard ones: todo, doing, done. A task's stage is in `stage` while it is
-- not completed, and in `done_stage` while it is; null stands for `todo` and `done`. So no row of an older version needs
-- to be rewritten, and older instances, which know neither column, may complete and reopen tasks.
alter table workspaces add column stages text;
-- blocked_by: the tasks that block a task, as JSON; null for none. The table has the same, to be found from both sides.
alter table tasks add column stage text, add column done_stage text, add column blocked_by text;
create or replace view tasks_by_workspace as select * from tasks;
create table task_blocks (
  task_id uuid not null,
  blocker_id uuid not null,
  primary key (task_id, blocker_id)
);
create index task_blocks_blocker on task_blocks (blocker_id, task_id);

-- What the rows of tasks travel as. The types before it stay: older instances keep sending them.
create type task_row_3 as (
  id uuid,
  workspace_id uuid,
  project_id uuid,
  parent_id uuid,
  title text,
  description text,
  completed boolean,
  completed_at bigint,
  priority bigint,
  due_at bigint,
  all_day boolean,
  remind_at bigint,
  recurrence text,
  position text,
  tags text,
  assignee_ids text,
  comment_count bigint,
  attachment_count bigint,
  is_deleted boolean,
  deleted_at bigint,
  version bigint,
  created_by uuid,
  created_at bigint,
  updated_at bigint,
  stage text,
  done_stage text,
  blocked_by text,
  dated_by_id boolean,
  search text,
  title_key text,
  texts_at bigint
);
