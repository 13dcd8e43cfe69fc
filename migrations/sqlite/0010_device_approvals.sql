-- Sign-ins of programs that a person approved, or refused, on another device. The id is a keyed hash of the code that the
-- person typed. Rows are deleted when they expire.
create table device_approvals (
  id blob primary key,
  user_id blob not null,
  refused integer not null,
  used integer not null,
  expires_at integer not null
) strict, without rowid;
create index device_approvals_expiry on device_approvals (expires_at);
