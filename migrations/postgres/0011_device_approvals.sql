-- Sign-ins of programs that a person approved, or refused, on another device. The id is a keyed hash of the code that the
-- person typed. Rows are deleted when they expire.
create table device_approvals (
  id uuid primary key,
  user_id uuid not null,
  refused boolean not null,
  used boolean not null,
  expires_at bigint not null
);
create index device_approvals_expiry on device_approvals (expires_at);
