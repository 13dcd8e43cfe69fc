-- Text by Unicode's rules, the same on both databases: the key that orders titles, and the version of the task at which it
-- and the words in `search` were made. Both are null, or stale, in rows that an older version wrote; a job makes them.
alter table tasks add column title_key text collate "C", add column texts_at bigint;
create index tasks_unkeyed on tasks (workspace_id, id) where title_key is null;
create or replace view tasks_by_workspace as select * from tasks;

-- What the rows of tasks travel as. The type before it stays: older instances keep sending it.
create type task_row_2 as (
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
  dated_by_id boolean,
  search text,
  title_key text,
  texts_at bigint
);

-- A tag is known by its key, without case. Rows of an older version have the tag as it is written, and no name.
alter table task_tags add column name text;
create index task_tags_unnamed on task_tags (workspace_id) where name is null;

-- The job that brings rows of older versions up to date. Instances of the older version may run for a while beside new
-- ones, so it runs again after an hour.
insert into jobs (kind, key, payload, due_at, attempts, revision)
select 'words', r.key, 'null', cast(extract(epoch from now()) * 1000 as bigint) + r.delay, 0, 0
from (values ('', 0), ('again', 3600000)) r (key, delay)
where exists (select 1 from tasks);
