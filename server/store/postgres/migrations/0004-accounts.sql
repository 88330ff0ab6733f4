-- expand
-- allows index-holds-writes: the table was small when this was released
-- Accounts, the devices signed in to them, and whose sessions are whose. Nothing here is worth stealing: passwords are bcrypt, tokens hashed.

create table trackstand.accounts (
  account_id text primary key,
  -- In lower case. Nobody else learns whether it is here.
  email text not null unique,
  password_hash text not null,
  is_operator boolean not null default false,
  created_at timestamptz not null default now(),
  last_login_at timestamptz
);

-- One row per device that is signed in. The refresh token issued last and the one it was issued for are both good, so that an
-- answer which is lost logs nobody out; an older one ends the row.
create table trackstand.logins (
  login_id text primary key,
  account_id text not null references trackstand.accounts on delete cascade,
  device text not null,
  issued_hash text not null,
  proven_hash text,
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  expires_at timestamptz not null
);

create index logins_account_id on trackstand.logins (account_id);
create index logins_expires_at on trackstand.logins (expires_at);

-- What was mailed: whoever has the token reads that mailbox, and may give its account a password, once.
create table trackstand.mail_tokens (
  token_hash text primary key,
  email text not null,
  expires_at timestamptz not null
);

create index mail_tokens_email on trackstand.mail_tokens (email);

-- Null for a trial ride without an account. No cascade: whoever deletes an account deletes its sessions first, and leaves a tombstone
-- for each.
alter table trackstand.sessions
  add column account_id text references trackstand.accounts;

create index sessions_account_id on trackstand.sessions (account_id) where account_id is not null;

-- By which login a client has its session. When the login ends, the row stays until the client's right to the session has ended too.
create table trackstand.session_grants (
  session_id text not null references trackstand.sessions on delete cascade,
  client_id text not null,
  login_id text not null,
  is_ended boolean not null default false,
  primary key (session_id, client_id)
);

create index session_grants_login_id on trackstand.session_grants (login_id);
create index session_grants_ended on trackstand.session_grants (session_id) where is_ended;
