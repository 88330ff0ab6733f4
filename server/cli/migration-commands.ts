/** `migrations …`: what this release would do to the shape of the database, and whether it may. */
import { lintOwnMigrations, listMigrations, type Migrations } from '../store/open-migrations.ts';
import type { Command } from './command-table.ts';
import { exitCodes } from './exit-codes.ts';

export interface MigrationContext {
  readonly release: string;
  /** Reaches the database; it is closed by whoever runs the command. */
  readonly migrations: () => Migrations;
}

type MigrationCommand = Command<MigrationContext>;

const list: MigrationCommand = {
  name: 'migrations list',
  summary: 'Prints the migrations this release knows.',
  options: {},
  run: ({ release }) => {
    const migrations = listMigrations();
    const lines = migrations.map(({ name, phase }) => `${name} ${phase ?? 'undeclared'}`);
    return Promise.resolve({ exitCode: exitCodes.done, lines, json: { release, migrations } });
  },
};

const lint: MigrationCommand = {
  name: 'migrations lint',
  summary: 'Says what is wrong with the migrations of this release. 0: nothing, 1: something.',
  options: {},
  run: () => {
    const faults = lintOwnMigrations();
    return Promise.resolve({
      exitCode: faults.length === 0 ? exitCodes.done : exitCodes.failed,
      lines: faults.length === 0 ? ['every migration does what it declares'] : faults,
      json: { faults },
    });
  },
};

const check: MigrationCommand = {
  name: 'migrations check',
  summary:
    'Says whether this release may run on the database now. 0: yes, 4: no, because of what was or would be taken away.',
  options: {
    beside: { help: 'releases one may want to go back to', value: 'release[,…]' },
  },
  run: async ({ migrations }, { beside }) => {
    const releases =
      typeof beside === 'string' ? beside.split(',').filter((name) => name !== '') : [];
    const { pending, refusals } = await migrations().check(releases);
    const applied =
      pending.length === 0 ? ['nothing to apply'] : pending.map((name) => `to apply: ${name}`);
    return {
      exitCode: refusals.length === 0 ? exitCodes.done : exitCodes.refused,
      lines: refusals.length === 0 ? applied : refusals,
      json: { pending, refusals },
    };
  },
};

export const migrationCommands: readonly MigrationCommand[] = [list, lint, check];
