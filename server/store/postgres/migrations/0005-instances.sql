-- expand
-- What runs, as every instance says itself, and which migrations each release knows: so a migration that takes something away can see
-- whether anybody needs it.

create table trackstand.instances (
  -- Host, and socket or port: whoever listens there has taken the place of who did before.
  place text primary key,
  release text not null,
  migrations text[] not null,
  started_at timestamptz not null default now(),
  heard_at timestamptz not null default now(),
  -- Figures for operators; null before the first ones.
  report jsonb
);

create table trackstand.releases (
  release text primary key,
  migrations text[] not null,
  first_started_at timestamptz not null default now(),
  last_started_at timestamptz not null default now()
);

-- Backups that were made and verified, noted by deploy/backup/backup.sh: how old the latest one is, operators are told.
create table trackstand.backups (
  made_at timestamptz primary key default now(),
  file text not null,
  bytes bigint not null
);

-- Of a migration that took something away: releases that know the one named here do without.
alter table trackstand.migrations add column unused_since text;
