-- Calendar feeds: at most one for each user. Only the hash of the secret in its address is stored. A row is deleted when its
-- feed ends.
create table calendars (
  user_id uuid primary key,
  -- SHA-256 of the secret, in hexadecimal
  hash text not null unique,
  created_at bigint not null
);
-- What a feed shows that nobody is assigned to. `task_assignees` finds the rest.
create index tasks_calendar on tasks (created_by, due_at, id)
  where due_at is not null and completed = false and is_deleted = false and assignee_ids = '[]';
