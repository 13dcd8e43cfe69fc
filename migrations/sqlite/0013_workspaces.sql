-- Members of a deleted workspace who have not been told yet. A job tells them, and deletes the rows.
create table departures (
  workspace_id blob not null,
  user_id blob not null,
  primary key (workspace_id, user_id)
) strict, without rowid;

-- Invitations to workspaces that were not answered. No token is stored: the server makes it of the id and its secret.
create table invites (
  id blob primary key,
  workspace_id blob not null,
  -- as it was when the invitation was made
  workspace_name text not null,
  -- null: a link for anybody; the key compares addresses
  email text,
  email_key text,
  role integer not null,
  max_uses integer,
  uses integer not null,
  -- JSON: the public profile of the member who invited, as it was then
  invited_by text not null,
  -- the user in whose own stream the invitation is
  shown_to blob,
  created_at integer not null,
  expires_at integer not null
) strict, without rowid;
create index invites_workspace on invites (workspace_id, id);
create index invites_email on invites (email_key, id) where email_key is not null;
create index invites_shown on invites (shown_to, id) where shown_to is not null;
create index invites_expiry on invites (expires_at);
