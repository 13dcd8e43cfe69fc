-- Search: comments have words too, and each word begins with the tag of its workspace. `words_at` is the version of a row
-- whose words were made so. In rows that an older version wrote it is null, or stale; a job makes their words.
alter table tasks add column words_at bigint;
alter table comments add column search tsvector, add column words_at bigint;
create index comments_search on comments using gin (search);
create index comments_workspace on comments (workspace_id, id);

-- Some of the tasks, or comments, that have words, in no order. An index of words cannot tell how many it will find; a plan
-- that hopes for many, and reads the whole table, would take long where there are few.
create function taskwire_tasks_with(words tsquery, most bigint) returns setof tasks language plpgsql stable
  set enable_seqscan = off set enable_indexscan = off set jit = off as $$
begin
  return query select * from tasks t where t.search @@ words limit most;
end
$$;
create function taskwire_comments_with(words tsquery, most bigint) returns setof comments language plpgsql stable
  set enable_seqscan = off set enable_indexscan = off set jit = off as $$
begin
  return query select * from comments c where c.search @@ words limit most;
end
$$;

-- Instances of the older version may run for a while beside new ones, so the job runs again after an hour.
insert into jobs (kind, key, payload, due_at, attempts, revision)
select 'words', r.key, 'null', cast(extract(epoch from now()) * 1000 as bigint) + r.delay, 0, 0
from (values ('', 0), ('again', 3600000)) r (key, delay)
where exists (select 1 from tasks)
on conflict (kind, key) do update set due_at = excluded.due_at, attempts = 0, dead_at = null, revision = jobs.revision + 1;
