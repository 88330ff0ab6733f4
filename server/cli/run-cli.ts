/** The operator's commands of a service, as a function: an app calls it with its session kinds. */
import { randomBytes } from 'node:crypto';

import { systemClock } from '../../shared/clock.ts';
import type { AnyModel } from '../../shared/session/session-model.ts';
import { ConfigError, readRelease, readStoreConfig } from '../config.ts';
import { StoreUnavailableError } from '../store/journal.ts';
import { openMigrations } from '../store/open-migrations.ts';
import type { Stores } from '../store/open-stores.ts';
import { readCommandLine, UsageError, type Command, type Options } from './command-table.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';
import { migrationCommands, type MigrationContext } from './migration-commands.ts';
import { schemaCommands, type SchemaContext } from './schema-commands.ts';

export interface CliOptions {
  /** Session kinds the service keeps. */
  readonly sessions: readonly AnyModel[];
  /** Without the program's own name. */
  readonly argv: readonly string[];
  /** `DATABASE_URL`, `REDIS_URL` and `RELEASE` are read. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

type Context = SchemaContext & MigrationContext;

const commands: readonly Command<Context>[] = [...schemaCommands, ...migrationCommands];

const program = 'sessions';

/** Resolves with the code to exit with; says in one sentence what went wrong. */
export async function runCli({
  sessions,
  argv,
  environment,
  stdout,
  stderr,
}: CliOptions): Promise<ExitCode> {
  const models = new Map(sessions.map((model) => [model.kind, model]));
  const opened: { close: () => Promise<void> }[] = [];
  try {
    const invocation = readCommandLine(program, commands, argv);
    if (invocation.kind === 'help') {
      stdout(invocation.text);
      return exitCodes.done;
    }
    const { command, options } = invocation;
    const context: Context = {
      release: readRelease(environment),
      models,
      stores: async () => {
        const stores = await reachStores(environment, options, stderr);
        opened.push(stores);
        const { journals, schemas, logVersions } = stores;
        return { journals, schemas, logVersions, models, newId };
      },
      migrations: () => {
        const migrations = openMigrations(readStoreConfig(environment).databaseUrl);
        opened.push(migrations);
        return migrations;
      },
      progress: (line) => stderr(`${line}\n`),
    };
    const { exitCode, lines, json } = await command.run(context, options);
    stdout(options['json'] === true ? `${JSON.stringify(json)}\n` : `${lines.join('\n')}\n`);
    return exitCode;
  } catch (error) {
    stderr(`${error instanceof Error ? error.message : String(error)}\n`);
    return codeOf(error);
  } finally {
    for (const { close } of opened) await close();
  }
}

/** 128 random bits. */
const newId = (): string => randomBytes(16).toString('base64url');

async function reachStores(
  environment: CliOptions['environment'],
  options: Options,
  stderr: (text: string) => void,
): Promise<Stores> {
  const { databaseUrl: postgres, redisUrl: redis } = readStoreConfig(environment);
  // A forgotten variable would make a command blind for what only Redis has.
  if ((redis === undefined) !== (options['without-redis'] === true))
    throw new UsageError('Set REDIS_URL, or say --without-redis where the service has no Redis.');
  // Only now: a third of what a command takes to start would be the Redis client, and a rollback waits for one that needs none.
  const { openStores } = await import('../store/open-stores.ts');
  const warn = (store: string, error: Error): void => stderr(`${store}: ${error.message}\n`);
  return openStores({ postgres, redis, clock: systemClock, warn });
}

function codeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return exitCodes.usage;
  if (error instanceof ConfigError) return exitCodes.config;
  if (error instanceof StoreUnavailableError) return exitCodes.unavailable;
  return exitCodes.failed;
}
