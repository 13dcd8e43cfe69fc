-- Text by Unicode's rules, the same on both databases. The index of words gets words that are split and folded by the server;
-- its tokenizer only finds the spaces between them. Every task is new to it.
drop table task_search;
create virtual table task_search using fts5 (
  scope, title, description, tags,
  content = '', contentless_delete = 1, tokenize = 'ascii'
);
delete from task_search_due;

-- The keys that order titles, made together with the index of words.
create table task_titles (number integer primary key, title_key text not null) strict;

-- A tag is known by its key, without case. Rows of an older version have the tag as it is written, and no name.
alter table task_tags add column name text;
create index task_tags_unnamed on task_tags (workspace_id) where name is null;

-- The job that brings all of this up to date.
insert into jobs (kind, key, payload, due_at, attempts, revision)
select 'words', '', 'null', cast(unixepoch('subsec') * 1000 as integer), 0, 0
where exists (select 1 from tasks);
