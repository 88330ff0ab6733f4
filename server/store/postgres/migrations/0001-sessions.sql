-- expand
-- Sessions, and the log of what was checkpointed.

create table trackstand.sessions (
  session_id text primary key,
  kind text not null,
  -- Schema version of the newest state stored; an instance that does not know it does not take the session over.
  version integer not null,
  owner_id text,
  term bigint not null default 0,
  epoch text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);

create index sessions_expires_at on trackstand.sessions (expires_at);

-- One row per checkpoint: the entries after "prev" up to "head". The two keys make the rows of a session a chain without forks.
-- Every few rows a snapshot stands beside the entries, so that opening a session folds little.
create table trackstand.session_log (
  session_id text not null references trackstand.sessions on delete cascade,
  prev bigint not null,
  head bigint not null,
  entries text not null,
  snapshot text,
  written_at timestamptz not null default now(),
  primary key (session_id, head),
  unique (session_id, prev),
  check (prev < head)
);
