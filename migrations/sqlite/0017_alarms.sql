-- When to look whether a person is to be told about a task: a row for each person whom the task concerns and each kind of
-- time. kind: 1 remind_at, 2 due, 3 overdue. base: the time of the task that it follows. since: when the task got that
-- time; what would have come before that does not come. A row goes when the person was told.
create table alarms (
  task_id blob not null,
  user_id blob not null,
  kind integer not null,
  workspace_id blob not null,
  base integer not null,
  at integer not null,
  since integer not null,
  primary key (task_id, user_id, kind)
) strict, without rowid;
create index alarms_at on alarms (at);
create index alarms_user on alarms (user_id, task_id);

-- Tasks that repeat: where each one stands in the series of its rule, by the clock on the wall (local_at), and whether the
-- task after it was made. A task without a row begins its series.
create table repeats (
  task_id blob primary key,
  rule text not null,
  all_day integer not null,
  local_at integer not null,
  number integer not null,
  has_next integer not null
) strict, without rowid;

-- The alarms of the tasks that are there. For due ones the first look is as early as anybody may be told.
insert into alarms (task_id, user_id, kind, workspace_id, base, at, since)
with open (id, workspace_id, assignee_ids, created_by, due_at, all_day, remind_at) as (
  select id, workspace_id, assignee_ids, created_by, due_at, all_day, remind_at from tasks
  where completed = false and is_deleted = false and (due_at is not null or remind_at is not null)
), times (id, kind, base, at, last) as (
  select id, 1, remind_at, remind_at, remind_at from open where remind_at is not null
  union all
  select id, 2, due_at, due_at - 662400000, due_at + 57600000 from open where due_at is not null
  union all
  select id, 3, due_at, due_at + case when all_day then 28800000 else 3600000 end, due_at + 144000000
  from open where due_at is not null
), people (id, user_id) as (
  select o.id, a.user_id from open o join task_assignees a on a.task_id = o.id and a.workspace_id = o.workspace_id
  union all
  select id, created_by from open where assignee_ids = '[]'
)
select t.id, p.user_id, t.kind, o.workspace_id, t.base, t.at, cast(unixepoch('subsec') * 1000 as integer)
from times t join people p on p.id = t.id join open o on o.id = t.id where t.last > cast(unixepoch('subsec') * 1000 as integer);
