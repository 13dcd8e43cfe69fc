-- Members of a deleted workspace who have not been told yet. A job tells them, and deletes the rows.
create table departures (
  workspace_id uuid not null,
  user_id uuid not null,
  primary key (workspace_id, user_id)
);

-- Invitations to workspaces that were not answered. No token is stored: the server makes it of the id and its secret.
create table invites (
  id uuid primary key,
  workspace_id uuid not null,
  -- as it was when the invitation was made
  workspace_name text not null,
  -- null: a link for anybody; the key compares addresses
  email text,
  email_key text,
  role bigint not null,
  max_uses bigint,
  uses bigint not null,
  -- JSON: the public profile of the member who invited, as it was then
  invited_by text not null,
  -- the user in whose own stream the invitation is
  shown_to uuid,
  created_at bigint not null,
  expires_at bigint not null
);
create index invites_workspace on invites (workspace_id, id);
create index invites_email on invites (email_key, id) where email_key is not null;
create index invites_shown on invites (shown_to, id) where shown_to is not null;
create index invites_expiry on invites (expires_at);
