-- expand
-- While a release is taken back: the highest schema version a kind's states may be raised to. No row: no ceiling.

create table trackstand.schema_ceilings (
  kind text primary key,
  version integer not null check (version >= 1),
  set_at timestamptz not null default now()
);
