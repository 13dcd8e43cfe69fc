-- Statistics of a workspace's tasks, counted when somebody asks for them, and behind the tasks until then.
-- seq: the entries of the workspace's log up to here are counted. passed: while all tasks are counted for the first time, or
-- again, those with ids up to this one are. A workspace for which nobody asked has no row.
create table tallies (
  workspace_id uuid primary key,
  seq bigint not null,
  passed uuid,
  steps bigint not null
);
-- What each task was counted as, so that a change takes the old away before it adds the new.
create table task_facts (
  workspace_id uuid not null,
  task_id uuid not null,
  fact text not null,
  primary key (workspace_id, task_id)
);
-- kind: 1 by status, 2 pending by priority, 3 by project, 4 by assignee; the key of those without one is empty.
create table tally_counts (
  workspace_id uuid not null,
  kind bigint not null,
  key text collate "C" not null,
  count bigint not null,
  primary key (workspace_id, kind, key)
);
-- kind: 1 created, 2 completed, 3 pending and due, 4 pending and due all day. day: of UTC, since 1970. quarters: JSON, how
-- many in which quarter of an hour of the day.
create table tally_days (
  workspace_id uuid not null,
  kind bigint not null,
  day bigint not null,
  count bigint not null,
  quarters text not null,
  primary key (workspace_id, kind, day)
);

-- The log by stream tells the task of an entry too.
create or replace view log_by_stream as select stream, seq, at, frame, task_id from log;
