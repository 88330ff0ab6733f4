/** The migrations of this release. */
import sessions from './migrations/0001-sessions.sql';
import endOfLife from './migrations/0002-end-of-life.sql';
import schemaCeilings from './migrations/0003-schema-ceilings.sql';
import accounts from './migrations/0004-accounts.sql';
import instances from './migrations/0005-instances.sql';
import library from './migrations/0006-library.sql';
import { readMigration, type Migration } from './read-migration.ts';

const files: readonly (readonly [name: string, sql: string])[] = [
  ['0001-sessions', sessions],
  ['0002-end-of-life', endOfLife],
  ['0003-schema-ceilings', schemaCeilings],
  ['0004-accounts', accounts],
  ['0005-instances', instances],
  ['0006-library', library],
];

/** In order; the statements of one that was released never change. */
export const migrations: readonly Migration[] = files.map(([name, sql]) =>
  readMigration(name, sql),
);
