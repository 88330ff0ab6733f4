/** Statements for sessions that are over: archive, look after, bury. Each says what it takes, what it returns and what it promises. */

/**
 * $1 session, $2 owner, $3 epoch, $4 offset before the first entry archived, $5 head, $6 the entries after it, compressed, or null when
 * there are none, $7 snapshot at the head, $8 writers as JSON, $9 reason. Returns the result, or no row for an unknown session. One
 * statement: the entries are in the log or in the archive, never in neither. The log's last row stays and carries the snapshot; a
 * version of this service that knows no archive opens the session from there too.
 */
export const archiveSql = `
with found as (
  select s.session_id, (s.archived_by = s.owner_id) is true as is_archived,
    case
      when s.owner_id is distinct from $2 then 'fenced'
      when s.epoch <> $3 then 'behind'
      when (select max(head) from trackstand.session_log l where l.session_id = $1) <> $5 then 'behind'
      else 'appended'
    end as result
  from trackstand.sessions s
  where s.session_id = $1
  for update
), due as (
  select session_id from found where result = 'appended' and not is_archived
), archived as (
  insert into trackstand.session_archive (session_id, prev, head, entries)
  select session_id, $4::bigint, $5::bigint, $6::bytea from due where $6::bytea is not null
), removed as (
  delete from trackstand.session_log l using due where l.session_id = due.session_id and l.head < $5
), compacted as (
  update trackstand.session_log l set entries = '', snapshot = $7
  from due where l.session_id = due.session_id and l.head = $5
), marked as (
  update trackstand.sessions s
  set archived_by = $2, writers = $8::jsonb, ended_at = coalesce(s.ended_at, now()), end_reason = coalesce(s.end_reason, $9)
  from due where s.session_id = due.session_id
)
select result from found`;

/**
 * $1 ms without anybody for a session that ended, $2 for any, $3 ms between two tries for one session, $4 sessions at most, $5 retention
 * in ms. A session's time ends one retention after somebody was last seen there. Rows another instance looks at are passed over.
 */
export const dueSql = `
with due as (
  select session_id
  from trackstand.sessions
  where (archived_by = owner_id) is not true
    and expires_at <= now() + greatest($5::float8 - least($1::float8, $2::float8), 0) * interval '1 millisecond'
    and expires_at <= now() + greatest($5::float8 - case when ended_at is null then $2::float8 else $1::float8 end, 0) * interval '1 millisecond'
    and (tended_at is null or tended_at <= now() - $3::float8 * interval '1 millisecond')
  order by expires_at
  limit $4::int
  for update skip locked
)
update trackstand.sessions s set tended_at = now()
from due where s.session_id = due.session_id
returning s.session_id`;

/**
 * $1 sessions, $2 how old in ms the last touch must be for a session that ended, $3 for any, $4 retention in ms. Rows somebody writes to
 * are passed over: waiting for one while holding others would be a deadlock with a checkpoint of the same sessions.
 */
export const touchSql = `
with due as (
  select session_id
  from trackstand.sessions
  where session_id = any($1::text[])
    and expires_at < now() + ($4::float8 - case when ended_at is null then $3::float8 else $2::float8 end) * interval '1 millisecond'
  for update skip locked
)
update trackstand.sessions s set expires_at = now() + $4::float8 * interval '1 millisecond'
from due where s.session_id = due.session_id`;

/** $1 sessions at most, $2 how long tombstones are kept, in ms. Returns how many. Log and archive go with the session. */
export const purgeSql = `
with due as (
  select session_id
  from trackstand.sessions
  where expires_at <= now() and (archived_by = owner_id) is true
  order by expires_at
  limit $1::int
  for update skip locked
), buried as (
  insert into trackstand.tombstones (session_id, ended_at, end_reason, writers, expires_at)
  select session_id, s.ended_at, s.end_reason, s.writers, now() + $2::float8 * interval '1 millisecond'
  from trackstand.sessions s join due using (session_id)
  on conflict do nothing
), deleted as (
  delete from trackstand.sessions s using due where s.session_id = due.session_id
  returning s.session_id
)
select count(*)::int as count from deleted`;

/** $1 tombstones at most. */
export const dropTombstonesSql = `
delete from trackstand.tombstones
where session_id in (
  select session_id from trackstand.tombstones
  where expires_at <= now()
  order by expires_at
  limit $1::int
  for update skip locked
)`;

/** $1 session. What is kept of a session whose time is over. */
export const tombstoneSql = `
select end_reason as reason, extract(epoch from ended_at)::float8 * 1000 as ended_ms, writers
from trackstand.tombstones
where session_id = $1`;
