/** Applies numbered migrations once. Forward only, and nothing is taken away that a release in use still needs. */
import type { Pool, PoolClient, QueryConfig, QueryResultRow } from 'pg';

import { delay, systemClock, type Clock } from '../../../shared/clock.ts';
import { StoreUnavailableError } from '../journal.ts';
import { migrations as ownMigrations } from './migration-files.ts';
import { contractRefusals, shapeRefusals } from './migration-gate.ts';
import { appliedMigrations, neighboursOf, type Ask } from './migration-records.ts';
import { statementsOf, type Migration } from './read-migration.ts';

export interface MigrateOptions {
  readonly migrations?: readonly Migration[];
  readonly clock?: Clock;
  /** The instance that starts: from now on its release is in use. Absent for a command that serves nobody. */
  readonly arrival?: Arrival | undefined;
}

export interface Arrival {
  /** Host, and socket or port. */
  readonly place: string;
  readonly release: string;
}

/** What a migration takes away is needed, or was needed by this release; the message says by whom, in one sentence each. */
export class MigrationRefusedError extends Error {
  override readonly name = 'MigrationRefusedError';
}

/** Any number nobody else uses: two instances that start together migrate one after the other. */
const migrationLock = 7_382_190;

/** Milliseconds between two looks whether another instance is done, and how long that may take. */
const turnPollMs = 100;
const turnMaxMs = 600_000;

/** A statement that waits for a lock makes everybody behind it wait as well: it gives up soon, and comes again. */
const lockTimeoutMs = 2_000;
const lockTriesMax = 5;
const lockRestMs = 500;

/** A migration may take its time, other than what serves somebody. */
const statementTimeoutMs = 600_000;

/**
 * Brings the database up to date and returns the names applied now. Each migration is done whole or not at all, and those before one
 * that must wait are done all the same: they are what the others have to learn of first. Rejects with MigrationRefusedError where this
 * release must not run, and with StoreUnavailableError.
 */
export async function migrate(pool: Pool, options: MigrateOptions = {}): Promise<string[]> {
  const { migrations = ownMigrations, clock = systemClock, arrival } = options;
  const client = await pool.connect().catch((cause: unknown) => {
    throw new StoreUnavailableError('Postgres', cause);
  });
  const run = { client, clock, ask: asking(client), migrations, arrival };
  try {
    const done: string[] = [];
    for (let next = await applyNext(run); next !== undefined; next = await applyNext(run))
      done.push(next);
    client.release();
    return done;
  } catch (error) {
    // A connection in an unknown state is not given back: its transaction and its locks end with it.
    client.release(true);
    throw error;
  }
}

interface Run {
  readonly client: PoolClient;
  readonly clock: Clock;
  readonly ask: Ask;
  readonly migrations: readonly Migration[];
  readonly arrival: Arrival | undefined;
}

/** The name of what was applied. Where nothing is left the instance arrives in the same transaction: nobody takes away unseen what it needs. */
async function applyNext(run: Run): Promise<string | undefined> {
  const next = await inTurn(run, 'A migration', async () => {
    const migration = await findNext(run);
    if (migration === undefined) await arrive(run);
    else if (migration.running === 'whole') {
      await run.ask(migration.sql);
      await record(run.ask, migration);
    }
    return migration;
  });
  if (next === undefined || next.running === 'whole') return next?.name;
  if (next.running === 'in-batches') await runBatches(run, next);
  else await runAlone(run, next);
  await inTurn(run, next.name, () => record(run.ask, next));
  return next.name;
}

async function findNext({ ask, migrations, arrival }: Run): Promise<Migration | undefined> {
  await ask('create schema if not exists trackstand');
  await ask(
    'create table if not exists trackstand.migrations (name text primary key, applied_at timestamptz not null default now())',
  );
  const applied = await appliedMigrations(ask);
  refuse(shapeRefusals(applied, new Set(migrations.map(({ name }) => name))));
  const names = new Set(applied.map(({ name }) => name));
  const next = migrations.find(({ name }) => !names.has(name));
  if (next?.phase?.kind === 'contract') {
    const neighbours = await neighboursOf(ask, { applied, place: arrival?.place, beside: [] });
    refuse(contractRefusals([next], neighbours));
  }
  return next;
}

function refuse(sentences: readonly string[]): void {
  if (sentences.length > 0) throw new MigrationRefusedError(sentences.join('\n'));
}

function asking(client: PoolClient): Ask {
  return async <Row extends QueryResultRow>(text: string, values: readonly unknown[] = []) =>
    (await client.query<Row>(patientQuery(text, values))).rows;
}

/** The library knows this option of a query, its types do not. */
function patientQuery(text: string, values: readonly unknown[]): QueryConfig {
  const query = { text, values: [...values], query_timeout: statementTimeoutMs };
  return query;
}

async function runBatches(run: Run, { name, sql }: Migration): Promise<void> {
  const [statement = ''] = statementsOf(sql);
  let changed = 1;
  while (changed > 0)
    changed = await inTurn(
      run,
      name,
      async () => (await run.client.query(patientQuery(statement, []))).rowCount ?? 0,
    );
}

/** Nobody waits behind what is done outside a transaction, so it may wait itself. */
async function runAlone({ client, clock, ask }: Run, { name, sql }: Migration): Promise<void> {
  const endMs = clock.elapsedMs() + turnMaxMs;
  while (!(await isAlone(client))) await nextLook(clock, endMs, name);
  for (const statement of statementsOf(sql)) await ask(statement);
  await client.query('select pg_advisory_unlock_all()').catch(() => {});
}

/** The embedded Postgres has no such locks, and serves one instance only. */
async function isAlone(client: PoolClient): Promise<boolean> {
  const sql = 'select pg_try_advisory_lock($1) as is_turn';
  const { rows } = await client
    .query<{ is_turn: boolean }>(sql, [migrationLock + 1])
    .catch(() => ({ rows: [{ is_turn: true }] }));
  return rows[0]?.is_turn === true;
}

async function record(ask: Ask, { name, phase }: Migration): Promise<void> {
  if (phase?.kind === 'contract')
    await ask(
      'insert into trackstand.migrations (name, unused_since) values ($1, $2) on conflict do nothing',
      [name, phase.unusedSince],
    );
  else
    await ask('insert into trackstand.migrations (name) values ($1) on conflict do nothing', [
      name,
    ]);
}

async function arrive({ ask, arrival, migrations }: Run): Promise<void> {
  if (arrival === undefined) return;
  const { place, release } = arrival;
  const known = migrations.map(({ name }) => name);
  await ask(
    `insert into trackstand.instances (place, release, migrations) values ($1, $2, $3)
     on conflict (place) do update set release = excluded.release, migrations = excluded.migrations,
       started_at = now(), heard_at = now(), report = null`,
    [place, release, known],
  );
  await ask(
    `insert into trackstand.releases (release, migrations) values ($1, $2)
     on conflict (release) do update set migrations = excluded.migrations, last_started_at = now()`,
    [release, known],
  );
}

/**
 * Runs the work in a transaction, while no other instance migrates; again where it only waited for locks that others hold. The turn is
 * asked for again and again rather than waited for: a statement that waits would hold up an index that is built outside a transaction.
 */
async function inTurn<Result>(
  { client, clock }: Run,
  name: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const endMs = clock.elapsedMs() + turnMaxMs;
  for (let tries = 1; ;) {
    await client.query('begin');
    try {
      if (await isTurn(client)) {
        await client.query(`set local lock_timeout = ${lockTimeoutMs}`);
        const result = await work();
        await client.query('commit');
        return result;
      }
      await client.query('rollback');
      await nextLook(clock, endMs, name);
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      await client.query('rollback');
      if (tries++ === lockTriesMax) throw lockedOut(name);
      await delay(clock, lockRestMs * tries);
    }
  }
}

async function isTurn(client: PoolClient): Promise<boolean> {
  const sql = 'select pg_try_advisory_xact_lock($1) as is_turn';
  const { rows } = await client.query<{ is_turn: boolean }>(sql, [migrationLock]);
  return rows[0]?.is_turn === true;
}

async function nextLook(clock: Clock, endMs: number, name: string): Promise<void> {
  if (clock.elapsedMs() >= endMs)
    throw new MigrationRefusedError(
      `${name} must wait: another instance migrates for ten minutes.`,
    );
  await delay(clock, turnPollMs);
}

function isLockTimeout(error: unknown): boolean {
  return (error as { readonly code?: unknown } | undefined)?.code === '55P03';
}

const lockedOut = (name: string): MigrationRefusedError =>
  new MigrationRefusedError(
    `${name} waits for a lock that others hold, and everybody would wait behind it: nothing of it was done.`,
  );
