-- Ends a statement whose group relied on counters that somebody else has advanced. Nothing of it stays, and the group runs
-- again with locks: a serialization failure.
create function taskwire_refuse() returns void language plpgsql as $$
begin
  raise exception 'another writer advanced a stream of this group first; it runs again with locks' using errcode = '40001';
end
$$;

-- What rows travel as: one array of these a statement. Never changed, because older instances keep sending them: a
-- statement with other columns gets a type of its own.
create type task_row as (
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
  search text
);

create type notification_row as (
  user_id uuid,
  id uuid,
  type text,
  title text,
  message text,
  is_read boolean,
  task_id uuid,
  workspace_id uuid,
  actor_id uuid,
  version bigint,
  created_at bigint
);

create type stream_row as (
  id uuid,
  kind bigint,
  seq bigint,
  acl_version bigint,
  unread bigint,
  pending bigint,
  completed bigint,
  deleted bigint
);

create type entry_row as (stream uuid, seq bigint, at bigint, task_id uuid, frame text);

create type op_row as (op_id uuid, user_id uuid, hash bigint, reply text, at bigint);
