/** The migrations of this release beside a database: what a deploy asks before it begins. Changes nothing. */
import { StoreUnavailableError } from './journal.ts';
import { connectPostgres } from './postgres/connect-postgres.ts';
import { lintMigrations } from './postgres/lint-migrations.ts';
import { migrations } from './postgres/migration-files.ts';
import { contractRefusals, shapeRefusals } from './postgres/migration-gate.ts';
import { appliedMigrations, neighboursOf, type Ask } from './postgres/migration-records.ts';

export interface MigrationCheck {
  /** Names of what would be applied. */
  readonly pending: readonly string[];
  /** Why this release must not run on that database now, a sentence each. */
  readonly refusals: readonly string[];
}

export interface Migrations {
  /** `beside`: releases one may want to go back to. Rejects with StoreUnavailableError. */
  readonly check: (beside: readonly string[]) => Promise<MigrationCheck>;
  readonly close: () => Promise<void>;
}

/** Name and phase of each, in order. */
export const listMigrations = (): readonly {
  readonly name: string;
  readonly phase: string | undefined;
}[] => migrations.map(({ name, phase }) => ({ name, phase: phase?.kind }));

/** A sentence for each fault in the files. */
export const lintOwnMigrations = (): string[] => lintMigrations(migrations);

export function openMigrations(postgres: string): Migrations {
  const pool = connectPostgres(postgres, () => {});
  const ask: Ask = async (sql, values = []) => {
    try {
      return (await pool.query(sql, [...values])).rows;
    } catch (cause) {
      throw new StoreUnavailableError('Postgres', cause);
    }
  };
  return {
    check: async (beside) => {
      const applied = await appliedMigrations(ask);
      const names = new Set(applied.map(({ name }) => name));
      const pending = migrations.filter(({ name }) => !names.has(name));
      const neighbours = await neighboursOf(ask, { applied, place: undefined, beside });
      return {
        pending: pending.map(({ name }) => name),
        refusals: [
          ...shapeRefusals(applied, new Set(migrations.map(({ name }) => name))),
          ...contractRefusals(pending, neighbours),
        ],
      };
    },
    close: () => pool.end(),
  };
}
