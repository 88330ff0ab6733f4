-- expand
-- What riders keep in their account besides their sessions: workouts of their own, and the names they give to rides.

create table trackstand.workouts (
  -- They go with their account.
  account_id text not null references trackstand.accounts on delete cascade,
  -- Chosen by the device that kept it first, so that one which is sent twice is there once.
  workout_id text not null,
  name text not null,
  -- As JSON. The name in it is the one it came with.
  plan text not null,
  bytes integer not null,
  created_at timestamptz not null default now(),
  primary key (account_id, workout_id)
);

-- Null until somebody gives it one.
alter table trackstand.sessions add column name text;
