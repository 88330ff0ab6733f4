/** Every statement of the Postgres journal. Each says what it takes, what it returns and what it promises. */

/**
 * $1 session, $2 kind, $3 version, $4 epoch, $5 retention in ms, $6 snapshot, $7 its offset. One statement: a session without a
 * snapshot cannot exist. One that is there already stays as it is, and one that is gone stays gone: only its client would have it begin
 * again. Tells whether the kind has a lower ceiling: then no session begins, while one that began elsewhere is kept.
 */
export const createSql = `
with ceiling as (
  select 1 from trackstand.schema_ceilings where kind = $2 and version < $3::int and $7::bigint = 0
), created as (
  insert into trackstand.sessions (session_id, kind, version, epoch, expires_at, term)
  select $1, $2, $3, $4, now() + $5::float8 * interval '1 millisecond', $8::bigint
  where not exists (select 1 from ceiling)
    and not exists (select 1 from trackstand.tombstones where session_id = $1)
  on conflict do nothing
  returning session_id
), logged as (
  insert into trackstand.session_log (session_id, prev, head, entries, snapshot)
  select session_id, -1, $7::bigint, '', $6 from created
)
select exists (select 1 from ceiling) as is_above`;

/**
 * $1 session, $2 owner, $3 term or null for the next one, $4 versions known by kind, as JSON, $5 retention in ms from now, $6 whether
 * the state will be raised to the version known, for which the ceiling must let it, $7 whether it is housekeeping: then an expired one
 * is claimed too, and its time goes on. Returns no row for an unknown or expired session. Waits for appends under way; those that begin
 * later find another owner. Who was abandoned is so no more.
 */
export const claimSql = `
with found as (
  select session_id, term, epoch,
    case
      when version > coalesce(($4::jsonb ->> kind)::int, 0) then 'too-new'
      when $6::boolean and version < ($4::jsonb ->> kind)::int and exists (
        select 1 from trackstand.schema_ceilings c
        where c.kind = sessions.kind and c.version < ($4::jsonb ->> sessions.kind)::int
      ) then 'too-new'
      when $3::bigint is not null and $3::bigint <= term then 'outrun'
      else 'taken'
    end as result
  from trackstand.sessions
  where session_id = $1 and (expires_at > now() or $7)
  for update
), claimed as (
  update trackstand.sessions s
  set owner_id = $2, term = coalesce($3::bigint, f.term + 1),
    expires_at = case when $7 then s.expires_at
      else greatest(s.expires_at, now() + $5::float8 * interval '1 millisecond') end,
    ended_at = case when $7 or s.end_reason = 'finished' then s.ended_at end,
    end_reason = case when $7 or s.end_reason = 'finished' then s.end_reason end
  from found f
  where s.session_id = f.session_id and f.result = 'taken'
  returning s.term
)
select result, epoch,
  coalesce((select term from claimed), term)::float8 as term
from found`;

/**
 * Arrays, one element per claim: $1 sessions, $2 owners, $3 terms or null, $4 versions known by kind, as JSON, $6 and $7 as above; $5
 * retention in ms from now. The same for many, of which none waits for another's row: no row for what somebody else has locked just now,
 * for the unknown and for the expired. Those are claimed alone.
 */
export const claimsSql = `
with asked as (
  select * from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $6::bool[], $7::bool[])
    as t (session_id, owner_id, term, versions, raises, keeps)
), found as (
  select s.session_id, s.term, s.epoch, a.owner_id, a.term as asked_term, a.keeps,
    case
      when s.version > coalesce((a.versions::jsonb ->> s.kind)::int, 0) then 'too-new'
      when a.raises and s.version < (a.versions::jsonb ->> s.kind)::int and exists (
        select 1 from trackstand.schema_ceilings c
        where c.kind = s.kind and c.version < (a.versions::jsonb ->> s.kind)::int
      ) then 'too-new'
      when a.term is not null and a.term <= s.term then 'outrun'
      else 'taken'
    end as result
  from asked a
  join trackstand.sessions s using (session_id)
  where s.expires_at > now() or a.keeps
  for update of s skip locked
), claimed as (
  update trackstand.sessions s
  set owner_id = f.owner_id, term = coalesce(f.asked_term, f.term + 1),
    expires_at = case when f.keeps then s.expires_at
      else greatest(s.expires_at, now() + $5::float8 * interval '1 millisecond') end,
    ended_at = case when f.keeps or s.end_reason = 'finished' then s.ended_at end,
    end_reason = case when f.keeps or s.end_reason = 'finished' then s.end_reason end
  from found f
  where s.session_id = f.session_id and f.result = 'taken'
  returning s.session_id, s.term
)
select f.session_id, f.result, f.epoch, coalesce(c.term, f.term)::float8 as term
from found f left join claimed c using (session_id)`;

/** $1 session. No row for an unknown one. */
export const findSql = `
select term::float8 as term, epoch, expires_at <= now() as is_over,
  coalesce(end_reason, 'abandoned') as reason,
  extract(epoch from coalesce(ended_at, case when expires_at <= now() then expires_at end))::float8 * 1000 as ended_ms
from trackstand.sessions
where session_id = $1`;

/** $1 session. Every row's entries in order; those of archived rows stand in the archive. */
export const historySql = `
select prev::float8 as prev, entries
from trackstand.session_log
where session_id = $1 and entries <> ''
order by head`;

/** $1 session. The compressed entries in order. */
export const archivedSql = `
select entries from trackstand.session_archive where session_id = $1 order by head`;

/** $1 sessions, an array. Who owns each, without a lock. */
export const ownersSql = `
select session_id, owner_id, epoch, (
  select l.head from trackstand.session_log l where l.session_id = s.session_id order by l.head desc limit 1
)::float8 as head
from trackstand.sessions s where session_id = any($1::text[])`;

/** $1 sessions, an array. For each the newest snapshot's row first, then the rows after it in order, and who owns it then. */
export const loadSql = `
select session_id, s.owner_id, l.entries, l.snapshot, l.head::float8 as head
from unnest($1::text[]) as asked (session_id)
cross join lateral (
  select max(head) as head from trackstand.session_log
  where session_log.session_id = asked.session_id and snapshot is not null
) newest
join trackstand.session_log l using (session_id)
join trackstand.sessions s using (session_id)
where l.head >= newest.head
order by session_id, l.head`;

/**
 * Arrays, one element per batch: $1 sessions, $2 owners, $3 epochs, $4 previous offsets, $5 heads, $6 entries, $7 snapshots or null, $8 whether
 * the session has ended. Returns the sessions whose batch landed. The share lock makes a take-over wait for this statement, and this statement see a
 * take-over that came first; the chain's keys keep out everything that does not continue the log.
 */
export const appendSql = `
with batch as (
  select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::bool[])
    as t (session_id, owner_id, epoch, prev, head, entries, snapshot, is_end)
), owned as (
  select b.*
  from batch b
  join trackstand.sessions s
    on s.session_id = b.session_id and s.owner_id = b.owner_id and s.epoch = b.epoch
  order by b.session_id
  for share of s
), landed as (
  insert into trackstand.session_log (session_id, prev, head, entries, snapshot)
  select session_id, prev, head, entries, snapshot
  from owned o
  where exists (
    select 1 from trackstand.session_log l where l.session_id = o.session_id and l.head = o.prev
  )
  on conflict do nothing
  returning session_id
), ended as (
  update trackstand.sessions s set ended_at = now(), end_reason = 'finished'
  from batch b
  join landed using (session_id)
  where s.session_id = b.session_id and b.is_end and s.end_reason is distinct from 'finished'
)
select session_id from landed`;

/** $1 session, $2 owner, $3 epoch, $4 previous offset, $5 head. Owner ids are never reused, so a row of this owner's at this place is this batch. */
export const diagnoseSql = `
select case
    when s.owner_id is distinct from $2 then 'fenced'
    when s.epoch = $3 and exists (
      select 1 from trackstand.session_log l
      where l.session_id = $1 and l.prev = $4 and l.head = $5
    ) then 'appended'
    else 'behind'
  end as result
from trackstand.sessions s
where s.session_id = $1`;

/**
 * $1 session, $2 owner, $3 new epoch, $4 head it starts from, $5 schema version of the state, $6 snapshot, $7 previous offset and $8
 * entries that are not there yet, or null. The log must end exactly where these begin. All of it or nothing: whoever claims the
 * session sees entries, snapshot and version that belong together. A state is not raised above the ceiling: its opener lets go.
 */
export const startEpochSql = `
with found as (
  select s.session_id,
    case
      when s.owner_id is distinct from $2 then 'fenced'
      when s.epoch = $3 and log.head = $4::bigint then 'repeated'
      when s.epoch = $3 then 'behind'
      when s.version < $5::int and exists (
        select 1 from trackstand.schema_ceilings c where c.kind = s.kind and c.version < $5::int
      ) then 'fenced'
      when log.head <> coalesce($7::bigint, $4::bigint) then 'behind'
      else 'appended'
    end as result
  from trackstand.sessions s,
    lateral (select max(head) as head from trackstand.session_log where session_id = $1) log
  where s.session_id = $1
  for update of s
), appended as (
  insert into trackstand.session_log (session_id, prev, head, entries, snapshot)
  select session_id, $7::bigint, $4::bigint, $8, $6
  from found where result = 'appended' and $7::bigint is not null
), stated as (
  update trackstand.session_log l set snapshot = $6
  from found f
  where f.result = 'appended' and $7::bigint is null and l.session_id = f.session_id and l.head = $4::bigint
), started as (
  update trackstand.sessions s set epoch = $3, version = $5::int
  from found f where s.session_id = f.session_id and f.result = 'appended'
)
select case result when 'repeated' then 'appended' else result end as result from found`;
