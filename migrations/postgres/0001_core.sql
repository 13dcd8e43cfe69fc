-- The core: accounts, workspaces, tasks, notifications; the log, its counters, and what op_ids did.
-- Times are milliseconds since 1970, ids are UUIDs, lists are JSON. Hot tables have no foreign keys: every id that a
-- row names was checked by the operation that wrote it, under its stream's lock.

create table meta (key text primary key, value text not null);

create table users (
  id uuid primary key,
  email text not null,
  email_key text not null unique,
  username text not null,
  username_key text not null unique,
  name text not null,
  password_hash text not null,
  role bigint not null,
  plan bigint not null,
  is_active boolean not null,
  is_verified boolean not null,
  timezone text not null,
  preferences text not null,
  photo_url text,
  token_version bigint not null,
  personal_id uuid not null,
  version bigint not null,
  created_at bigint not null,
  updated_at bigint not null
);

create table sessions (
  id uuid primary key,
  user_id uuid not null,
  device_name text,
  client text,
  address text,
  refresh_hash text not null,
  created_at bigint not null,
  last_seen_at bigint not null,
  expires_at bigint not null,
  revoked_at bigint
);
create index sessions_user on sessions (user_id, id);
create index sessions_expiry on sessions (expires_at);

create table workspaces (
  id uuid primary key,
  name text not null,
  kind bigint not null,
  version bigint not null,
  created_at bigint not null,
  updated_at bigint not null
);

create table members (
  workspace_id uuid not null,
  user_id uuid not null,
  role bigint not null,
  joined_at bigint not null,
  version bigint not null,
  primary key (workspace_id, user_id)
);
create index members_user on members (user_id, workspace_id);

create table tasks (
  id uuid primary key,
  workspace_id uuid not null,
  project_id uuid,
  parent_id uuid,
  title text not null,
  description text,
  completed boolean not null,
  completed_at bigint,
  priority bigint not null,
  due_at bigint,
  all_day boolean not null,
  remind_at bigint,
  recurrence text,
  position text collate "C" not null,
  tags text not null,
  assignee_ids text not null,
  comment_count bigint not null,
  attachment_count bigint not null,
  is_deleted boolean not null,
  deleted_at bigint,
  version bigint not null,
  created_by uuid not null,
  created_at bigint not null,
  updated_at bigint not null,
  dated_by_id boolean not null,
  -- the words of title, description and tags with their places
  search tsvector not null
) with (fillfactor = 90);
create index tasks_search on tasks using gin (search);
-- dated_by_id: the id bears the moment of creation. Such tasks are in the order of their ids here too; the few others,
-- whose ids clients made, are found by the next one.
create index tasks_created on tasks (workspace_id, created_at, id, dated_by_id);
create index tasks_undated on tasks (workspace_id, id) where dated_by_id = false;
-- Orders by change, priority, title and hand sort a workspace's rows: an index each would cost every write a page.
create index tasks_due on tasks (workspace_id, due_at, id) where due_at is not null;
create index tasks_deleted on tasks (workspace_id, created_at, id) where is_deleted = true;
create index tasks_parent on tasks (parent_id, id) where parent_id is not null;
create index tasks_project on tasks (project_id, id) where project_id is not null;
-- SQLite's has more to it, like those below
create view tasks_by_workspace as select * from tasks;

create table task_tags (
  workspace_id uuid not null,
  tag text not null,
  task_id uuid not null,
  primary key (workspace_id, tag, task_id)
);
create index task_tags_task on task_tags (task_id);

create table task_assignees (
  user_id uuid not null,
  workspace_id uuid not null,
  task_id uuid not null,
  primary key (user_id, workspace_id, task_id)
);
create index task_assignees_task on task_assignees (task_id);

create table notifications (
  user_id uuid not null,
  id uuid not null,
  type text not null,
  title text not null,
  message text not null,
  is_read boolean not null,
  task_id uuid,
  workspace_id uuid,
  actor_id uuid,
  version bigint not null,
  created_at bigint not null,
  primary key (user_id, id)
);
create index notifications_task on notifications (task_id) where task_id is not null;
create view notifications_by_user as select * from notifications;

-- One counter row a stream gives every entry its seq. kind: 0 a user's stream, 1 a workspace's.
-- acl_version grows when memberships change; unread counts a user's notifications; the last three a workspace's tasks.
create table streams (
  id uuid primary key,
  kind bigint not null,
  seq bigint not null,
  acl_version bigint not null,
  unread bigint not null,
  pending bigint not null,
  completed bigint not null,
  deleted bigint not null
) with (fillfactor = 50);

create table log (
  stream uuid not null,
  seq bigint not null,
  at bigint not null,
  task_id uuid,
  frame text not null,
  primary key (stream, seq)
);
create index log_task on log (task_id, stream, seq) where task_id is not null;
create view log_by_stream as select stream, seq, at, frame from log;

create table ops (
  op_id uuid not null,
  user_id uuid not null,
  hash bigint not null,
  reply text not null,
  at bigint not null,
  primary key (op_id, user_id)
);
create index ops_age on ops (at);

-- Who does for all instances what one must do, until when by the database's clock.
create table leases (name text primary key, holder text not null, until bigint not null);

-- The instances that share this database, and whose sockets they are to close: each looks every two seconds.
create table instances (
  id uuid primary key,
  name text not null,
  version text not null,
  started_at bigint not null,
  seen_at bigint not null,
  sockets bigint not null
);

create table kicks (
  id uuid primary key,
  user_id uuid,
  session_id uuid,
  at bigint not null
);
