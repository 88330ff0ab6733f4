-- expand
-- allows index-holds-writes: the table was small when this was released
-- The end of a session: its log compacted into an archive, and a tombstone once its time is over.

alter table trackstand.sessions
  add column ended_at timestamptz,
  -- 'finished' or 'abandoned'.
  add column end_reason text,
  -- The owner that archived the session. While that one is the owner still, nobody has taken it up since.
  add column archived_by text,
  -- Per writer, how far its commands had come when the session was archived: what a tombstone keeps of it.
  add column writers jsonb,
  -- When an instance last set out to archive it.
  add column tended_at timestamptz;

create index sessions_to_tend on trackstand.sessions (expires_at) where (archived_by = owner_id) is not true;

-- What session_log had of the entries after "prev" up to "head", compressed. Opening a session needs none of it: the log's last row
-- stays, with a snapshot. A session that was taken up and archived again has a row for each time.
create table trackstand.session_archive (
  session_id text not null references trackstand.sessions on delete cascade,
  prev bigint not null,
  head bigint not null,
  -- Brotli.
  entries bytea not null,
  archived_at timestamptz not null default now(),
  primary key (session_id, head),
  unique (session_id, prev),
  check (prev < head)
);

-- It is compressed already.
alter table trackstand.session_archive alter column entries set storage external;

-- What is known of sessions whose time is over: a device that comes even later is told what became of its commands.
create table trackstand.tombstones (
  session_id text primary key,
  ended_at timestamptz not null,
  end_reason text not null,
  writers jsonb not null,
  expires_at timestamptz not null
);

create index tombstones_expires_at on trackstand.tombstones (expires_at);
