-- The core: accounts, workspaces, tasks, notifications; the log, its counters, and what op_ids did.
-- Times are milliseconds since 1970, ids are UUIDs, lists are JSON. Hot tables have no foreign keys: every id that a
-- row names was checked by the operation that wrote it, under its stream's lock. Wide rows that come from many users at
-- once stand in the order in which they came and have an index of their own: a group of writes touches fewer pages.

create table meta (key text primary key, value text not null) strict, without rowid;

create table users (
  id blob primary key,
  email text not null,
  email_key text not null unique,
  username text not null,
  username_key text not null unique,
  name text not null,
  password_hash text not null,
  role integer not null,
  plan integer not null,
  is_active integer not null,
  is_verified integer not null,
  timezone text not null,
  preferences text not null,
  photo_url text,
  token_version integer not null,
  personal_id blob not null,
  version integer not null,
  created_at integer not null,
  updated_at integer not null
) strict, without rowid;

create table sessions (
  id blob primary key,
  user_id blob not null,
  device_name text,
  client text,
  address text,
  refresh_hash text not null,
  created_at integer not null,
  last_seen_at integer not null,
  expires_at integer not null,
  revoked_at integer
) strict, without rowid;
create index sessions_user on sessions (user_id, id);
create index sessions_expiry on sessions (expires_at);

create table workspaces (
  id blob primary key,
  name text not null,
  kind integer not null,
  version integer not null,
  created_at integer not null,
  updated_at integer not null
) strict, without rowid;

create table members (
  workspace_id blob not null,
  user_id blob not null,
  role integer not null,
  joined_at integer not null,
  version integer not null,
  primary key (workspace_id, user_id)
) strict, without rowid;
create index members_user on members (user_id, workspace_id);

-- number: the full-text index knows a task by it; ids are too long for that.
create table tasks (
  number integer primary key,
  id blob not null unique,
  workspace_id blob not null,
  project_id blob,
  parent_id blob,
  title text not null,
  description text,
  completed integer not null,
  completed_at integer,
  priority integer not null,
  due_at integer,
  all_day integer not null,
  remind_at integer,
  recurrence text,
  position text not null,
  tags text not null,
  assignee_ids text not null,
  comment_count integer not null,
  attachment_count integer not null,
  is_deleted integer not null,
  deleted_at integer,
  version integer not null,
  created_by blob not null,
  created_at integer not null,
  updated_at integer not null,
  dated_by_id integer not null
) strict;
-- dated_by_id: the id bears the moment of creation. Such tasks are in the order of their ids here too; the few others,
-- whose ids clients made, are found by the next one.
create index tasks_undated on tasks (workspace_id, id) where dated_by_id = false;
-- Orders by change, priority, title and hand sort a workspace's rows: an index each would cost every write a page.
create index tasks_due on tasks (workspace_id, due_at, id) where due_at is not null;
create index tasks_deleted on tasks (workspace_id, created_at, id) where is_deleted = true;
create index tasks_parent on tasks (parent_id, id) where parent_id is not null;
create index tasks_project on tasks (project_id, id) where project_id is not null;
-- Tasks by workspace and creation, in two trees: see the log below.
create table task_keys (
  workspace_id blob not null,
  created_at integer not null,
  id blob not null,
  dated_by_id integer not null,
  number integer not null,
  primary key (workspace_id, created_at, id)
) strict, without rowid;
create table task_keys_new (
  workspace_id blob not null,
  created_at integer not null,
  id blob not null,
  dated_by_id integer not null,
  number integer not null,
  primary key (workspace_id, created_at, id)
) strict, without rowid;
create trigger task_insert after insert on tasks begin
  insert into task_keys_new (workspace_id, created_at, id, dated_by_id, number)
  values (new.workspace_id, new.created_at, new.id, new.dated_by_id, new.number);
end;
create trigger task_delete after delete on tasks begin
  delete from task_keys where workspace_id = old.workspace_id and created_at = old.created_at and id = old.id;
  delete from task_keys_new where workspace_id = old.workspace_id and created_at = old.created_at and id = old.id;
end;
create view tasks_by_workspace as
  select k.number, k.id, k.workspace_id, t.project_id, t.parent_id, t.title, t.description, t.completed, t.completed_at,
    t.priority, t.due_at, t.all_day, t.remind_at, t.recurrence, t.position, t.tags, t.assignee_ids, t.comment_count,
    t.attachment_count, t.is_deleted, t.deleted_at, t.version, t.created_by, k.created_at, t.updated_at, k.dated_by_id
  from task_keys k left join tasks t on t.number = k.number
  union all
  select k.number, k.id, k.workspace_id, t.project_id, t.parent_id, t.title, t.description, t.completed, t.completed_at,
    t.priority, t.due_at, t.all_day, t.remind_at, t.recurrence, t.position, t.tags, t.assignee_ids, t.comment_count,
    t.attachment_count, t.is_deleted, t.deleted_at, t.version, t.created_by, k.created_at, t.updated_at, k.dated_by_id
  from task_keys_new k left join tasks t on t.number = k.number;

create table task_tags (
  workspace_id blob not null,
  tag text not null,
  task_id blob not null,
  primary key (workspace_id, tag, task_id)
) strict, without rowid;
create index task_tags_task on task_tags (task_id);

create table task_assignees (
  user_id blob not null,
  workspace_id blob not null,
  task_id blob not null,
  primary key (user_id, workspace_id, task_id)
) strict, without rowid;
create index task_assignees_task on task_assignees (task_id);

-- scope is the workspace's id as a word: a search intersects it with the words looked for.
create virtual table task_search using fts5 (
  scope, title, description, tags,
  content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 0'
);
-- Tasks whose words are to be indexed anew; those with a number beyond the highest one in the index are new and need no
-- row here. A trigger's insert follows the rule for conflicts of the statement that fired it, so it asks by itself what
-- is there.
create table task_search_due (number integer primary key) strict;
create trigger task_search_update after update of title, description, tags on tasks
when new.title is not old.title or new.description is not old.description or new.tags is not old.tags begin
  insert into task_search_due (number) select new.number
  where not exists (select 1 from task_search_due where number = new.number);
end;
create trigger task_search_delete after delete on tasks begin
  insert into task_search_due (number) select old.number
  where not exists (select 1 from task_search_due where number = old.number);
end;

create table notifications (
  number integer primary key,
  user_id blob not null,
  id blob not null unique,
  type text not null,
  title text not null,
  message text not null,
  is_read integer not null,
  task_id blob,
  workspace_id blob,
  actor_id blob,
  version integer not null,
  created_at integer not null
) strict;
create index notifications_task on notifications (task_id) where task_id is not null;
-- Notifications by user, in two trees: see the log below.
create table notification_keys (
  user_id blob not null,
  id blob not null,
  number integer not null,
  primary key (user_id, id)
) strict, without rowid;
create table notification_keys_new (
  user_id blob not null,
  id blob not null,
  number integer not null,
  primary key (user_id, id)
) strict, without rowid;
create trigger notification_insert after insert on notifications begin
  insert into notification_keys_new (user_id, id, number) values (new.user_id, new.id, new.number);
end;
create trigger notification_delete after delete on notifications begin
  delete from notification_keys where user_id = old.user_id and id = old.id;
  delete from notification_keys_new where user_id = old.user_id and id = old.id;
end;
create view notifications_by_user as
  select k.number, k.user_id, k.id, n.type, n.title, n.message, n.is_read, n.task_id, n.workspace_id, n.actor_id,
    n.version, n.created_at
  from notification_keys k left join notifications n on n.number = k.number
  union all
  select k.number, k.user_id, k.id, n.type, n.title, n.message, n.is_read, n.task_id, n.workspace_id, n.actor_id,
    n.version, n.created_at
  from notification_keys_new k left join notifications n on n.number = k.number;

-- One counter row a stream gives every entry its seq. kind: 0 a user's stream, 1 a workspace's.
-- acl_version grows when memberships change; unread counts a user's notifications; the last three a workspace's tasks.
create table streams (
  id blob primary key,
  kind integer not null,
  seq integer not null,
  acl_version integer not null,
  unread integer not null,
  pending integer not null,
  completed integer not null,
  deleted integer not null
) strict, without rowid;

create table log (
  number integer primary key,
  stream blob not null,
  seq integer not null,
  at integer not null,
  task_id blob,
  frame text not null
) strict;
create index log_task on log (task_id, stream, seq) where task_id is not null;
-- Where the entries of a stream are, in two trees: a small one for new entries, of all streams in the same few pages, and
-- a large one, into which the writer moves them many at a time. In one tree every stream's entry would cost a page.
create table log_keys (
  stream blob not null,
  seq integer not null,
  number integer not null,
  primary key (stream, seq)
) strict, without rowid;
create table log_keys_new (
  stream blob not null,
  seq integer not null,
  number integer not null,
  primary key (stream, seq)
) strict, without rowid;
create trigger log_insert after insert on log begin
  insert into log_keys_new (stream, seq, number) values (new.stream, new.seq, new.number);
end;
create trigger log_delete after delete on log begin
  delete from log_keys where stream = old.stream and seq = old.seq;
  delete from log_keys_new where stream = old.stream and seq = old.seq;
end;
create view log_by_stream as
  select k.stream, k.seq, l.at, l.frame, k.number from log_keys k cross join log l on l.number = k.number
  union all
  select k.stream, k.seq, l.at, l.frame, k.number from log_keys_new k cross join log l on l.number = k.number;
create trigger log_by_stream_delete instead of delete on log_by_stream begin
  delete from log where number = old.number;
end;

create table ops (
  number integer primary key,
  op_id blob not null,
  user_id blob not null,
  hash integer not null,
  reply text not null,
  at integer not null,
  unique (op_id, user_id)
) strict;

-- Who does for all instances what one must do, until when by the database's clock.
create table leases (name text primary key, holder text not null, until integer not null) strict;

-- The instances that share this database, and whose sockets they are to close: each looks every two seconds. An SQLite
-- file has one instance, and these are empty.
create table instances (
  id blob primary key,
  name text not null,
  version text not null,
  started_at integer not null,
  seen_at integer not null,
  sockets integer not null
) strict, without rowid;

create table kicks (
  id blob primary key,
  user_id blob,
  session_id blob,
  at integer not null
) strict, without rowid;
