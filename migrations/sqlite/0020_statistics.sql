-- Statistics of a workspace's tasks, counted when somebody asks for them, and behind the tasks until then.
-- seq: the entries of the workspace's log up to here are counted. passed: while all tasks are counted for the first time, or
-- again, those with ids up to this one are. A workspace for which nobody asked has no row.
create table tallies (
  workspace_id blob primary key,
  seq integer not null,
  passed blob,
  steps integer not null
) strict, without rowid;
-- What each task was counted as, so that a change takes the old away before it adds the new.
create table task_facts (
  workspace_id blob not null,
  task_id blob not null,
  fact text not null,
  primary key (workspace_id, task_id)
) strict, without rowid;
-- kind: 1 by status, 2 pending by priority, 3 by project, 4 by assignee; the key of those without one is empty.
create table tally_counts (
  workspace_id blob not null,
  kind integer not null,
  key text not null,
  count integer not null,
  primary key (workspace_id, kind, key)
) strict, without rowid;
-- kind: 1 created, 2 completed, 3 pending and due, 4 pending and due all day. day: of UTC, since 1970. quarters: JSON, how
-- many in which quarter of an hour of the day.
create table tally_days (
  workspace_id blob not null,
  kind integer not null,
  day integer not null,
  count integer not null,
  quarters text not null,
  primary key (workspace_id, kind, day)
) strict, without rowid;

-- The log by stream tells the task of an entry too.
drop view log_by_stream;
create view log_by_stream as
  select k.stream, k.seq, l.at, l.frame, k.number, l.task_id from log_keys k cross join log l on l.number = k.number
  union all
  select k.stream, k.seq, l.at, l.frame, k.number, l.task_id from log_keys_new k cross join log l on l.number = k.number;
create trigger log_by_stream_delete instead of delete on log_by_stream begin
  delete from log where number = old.number;
end;
