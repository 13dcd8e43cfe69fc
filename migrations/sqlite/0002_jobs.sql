-- Background work. A job is identified by its kind and key, so that it exists once. Times are milliseconds by this
-- database's clock. A running job has a claim: the token of its run, which ends at claimed_until unless it is renewed.
create table jobs (
  kind text not null,
  key text not null,
  -- JSON; its shape is the kind's
  payload text not null,
  due_at integer not null,
  -- runs since the last success, the current one included
  attempts integer not null,
  -- grows when the job is enqueued again: a run that began before does not remove it
  revision integer not null,
  claim blob,
  -- the instance of the claim, for operators
  holder text,
  claimed_until integer,
  -- when the job failed for the last time; it runs no more until an operator retries it
  dead_at integer,
  -- why the last run failed
  error text,
  primary key (kind, key)
) strict, without rowid;
create index jobs_due on jobs (due_at) where claim is null and dead_at is null;
create index jobs_claimed on jobs (claimed_until) where claim is not null;
create index jobs_dead on jobs (dead_at) where dead_at is not null;

-- The claims of jobs replace them.
drop table leases;
