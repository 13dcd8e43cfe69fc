-- API tokens: what programs act with in place of their user. Only the hash of a token is stored. A row is deleted when
-- its token is revoked, or some time after it expired.
create table api_tokens (
  id blob primary key,
  user_id blob not null,
  name text not null,
  -- SHA-256 of the token, in hexadecimal
  hash text not null unique,
  -- 0: read, 1: write
  scope integer not null,
  -- JSON: the ids of the workspaces that it sees; null: all of its user's
  workspaces text,
  created_at integer not null,
  expires_at integer,
  last_used_at integer
) strict, without rowid;
create index api_tokens_user on api_tokens (user_id, id);
create index api_tokens_expiry on api_tokens (expires_at) where expires_at is not null;
