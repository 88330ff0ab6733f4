/** What Postgres knows of workouts that riders keep. All reject with StoreUnavailableError. */
import type { StatementPool } from '../store/postgres/statement-pool.ts';

export interface KeptWorkout {
  readonly workoutId: string;
  /** The one it came with, or what its rider calls it since. */
  readonly name: string;
  readonly createdAt: Date;
}

/** What one account may keep. */
export interface LibraryQuota {
  readonly countMax: number;
  /** Of all its workouts, as JSON. */
  readonly bytesMax: number;
}

export interface NewWorkout {
  readonly workoutId: string;
  readonly name: string;
  /** As JSON. */
  readonly plan: string;
}

/** Every function sees the account's own workouts alone. */
export interface WorkoutBook {
  /** The one kept last first. */
  readonly list: (accountId: string) => Promise<readonly KeptWorkout[]>;
  readonly find: (
    accountId: string,
    workoutId: string,
  ) => Promise<(KeptWorkout & { readonly plan: string }) | undefined>;
  /** One that is there already stays as it is: an answer that was lost is asked for again. `absent`: there is no such account any more. */
  readonly keep: (accountId: string, workout: NewWorkout) => Promise<'kept' | 'full' | 'absent'>;
  /** False when there is none. */
  readonly rename: (accountId: string, workoutId: string, name: string) => Promise<boolean>;
  readonly remove: (accountId: string, workoutId: string) => Promise<boolean>;
}

interface WorkoutRow {
  readonly workout_id: string;
  readonly name: string;
  readonly created_at: Date;
}

/** $1 account. Two devices that keep something at once come one after the other, or both would see the last free place. */
const lockSql = 'select 1 from trackstand.accounts where account_id = $1 for no key update';

/** $1 account, $2 workout, $3 bytes, $4 and $5 the quota. */
const roomSql = `
select coalesce(bool_or(workout_id = $2), false) as is_kept,
  count(*) < $4 and coalesce(sum(bytes), 0) + $3 <= $5 as has_room
from trackstand.workouts where account_id = $1`;

export function workoutBook(
  { statement, transaction }: StatementPool,
  { countMax, bytesMax }: LibraryQuota,
): WorkoutBook {
  const isAny = async (sql: string, values: readonly unknown[]): Promise<boolean> =>
    (await statement(sql, values)).length > 0;
  return {
    list: async (accountId) => {
      const rows = await statement<WorkoutRow>(
        `select workout_id, name, created_at from trackstand.workouts
         where account_id = $1 order by created_at desc, workout_id`,
        [accountId],
      );
      return rows.map(readRow);
    },
    find: async (...values) => {
      const [row] = await statement<WorkoutRow & { plan: string }>(
        `select workout_id, name, created_at, plan from trackstand.workouts
         where account_id = $1 and workout_id = $2`,
        values,
      );
      return row && { ...readRow(row), plan: row.plan };
    },
    keep: (accountId, { workoutId, name, plan }) =>
      transaction(async (step) => {
        if ((await step(lockSql, [accountId])).length === 0) return 'absent';
        const bytes = Buffer.byteLength(plan);
        const asked = [accountId, workoutId, bytes, countMax, bytesMax];
        const [room] = await step<{ is_kept: boolean; has_room: boolean }>(roomSql, asked);
        if (room?.is_kept === true) return 'kept';
        if (room?.has_room !== true) return 'full';
        await step(
          `insert into trackstand.workouts (account_id, workout_id, name, plan, bytes)
           values ($1, $2, $3, $4, $5)`,
          [accountId, workoutId, name, plan, bytes],
        );
        return 'kept';
      }),
    rename: (...values) =>
      isAny(
        `update trackstand.workouts set name = $3
         where account_id = $1 and workout_id = $2 returning workout_id`,
        values,
      ),
    remove: (...values) =>
      isAny(
        'delete from trackstand.workouts where account_id = $1 and workout_id = $2 returning workout_id',
        values,
      ),
  };
}

function readRow(row: WorkoutRow): KeptWorkout {
  return { workoutId: row.workout_id, name: row.name, createdAt: row.created_at };
}
