-- What codes and approvals were made under: they are void when the account has another token version, and an approval also
-- when the session that gave it has ended. Null: nothing is compared.
alter table codes add column token_version integer;
alter table device_approvals add column token_version integer;
alter table device_approvals add column session_id blob;
