/** Who still needs what a migration takes away. Pure. */
import type { Migration } from './read-migration.ts';

/** A release that is in use, or that one may want to go back to. */
export interface Neighbour {
  readonly release: string;
  /** Why it counts, as part of a sentence: `runs at web1:a.sock`. */
  readonly why: string;
  /** Names of the migrations it knows; undefined when nobody can say. */
  readonly knows: readonly string[] | undefined;
}

/** A migration the database has seen. */
export interface AppliedMigration {
  readonly name: string;
  /** Of one that took something away; null otherwise. */
  readonly unusedSince: string | null;
}

/** A sentence for each migration that must wait, because of somebody who needs what it takes away. */
export function contractRefusals(
  pending: readonly Migration[],
  neighbours: readonly Neighbour[],
): string[] {
  return pending.flatMap(({ name, phase }) => {
    if (phase?.kind !== 'contract') return [];
    return neighbours
      .filter(({ knows }) => knows?.includes(phase.unusedSince) !== true)
      .map(
        ({ release, why }) =>
          `${name} must wait: it takes away what release ${release} needs, which ${why} and does not know ${phase.unusedSince}.`,
      );
  });
}

/** A sentence for each migration that took away what a release needs: it cannot be gone back to. */
export function shapeRefusals(
  applied: readonly AppliedMigration[],
  known: ReadonlySet<string>,
): string[] {
  return applied.flatMap(({ name, unusedSince }) =>
    unusedSince === null || known.has(unusedSince)
      ? []
      : [
          `The database is past this release: ${name} took away what it needs, and only releases that know ${unusedSince} do without.`,
        ],
  );
}
