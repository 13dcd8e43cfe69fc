-- Files at tasks; their bytes are in the store of files. A row whose `task_id` is null is that of an attachment that was
-- deleted, or whose task was purged: a job removes the bytes, and then the row. The creator's index finds what a person
-- uploaded, for the export of their data and for the bounds of plans.
create table attachments (
  id uuid primary key,
  workspace_id uuid not null,
  task_id uuid,
  name text not null,
  size bigint not null,
  media_type text not null,
  created_by uuid not null,
  created_at bigint not null
);
create index attachments_task on attachments (task_id, id);
create index attachments_creator on attachments (created_by, id);
create index attachments_removed on attachments (workspace_id, id) where task_id is null;
