/** A service for one ride: what `npm start` runs, on a free port, in a temporary folder that is gone afterwards. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { CannotStart } from '../../deploy/local/cannot-start.ts';
import { openDataFolder, type DataFolder } from '../../deploy/local/data-folder.ts';
import { startOrphanGuard } from '../../deploy/local/orphan-guard.ts';
import {
  databaseProgram,
  findPort,
  redisProgram,
  serverProgram,
} from '../../deploy/local/programs.ts';
import { supervise, type Program, type Supervised } from '../../deploy/local/supervise.ts';
import { CannotRide, exitCodes } from './cannot-ride.ts';

/** The ride runs faster than life, and so do its checkpoints: killing between two of them is the point. */
const checkpointMs = 1000;

export interface OwnService {
  readonly url: string;
  /** For people: where the log is. */
  readonly description: string;
  readonly stores: { readonly databaseUrl: string; readonly redisUrl: string | undefined };
  /** `kill -9` of the server. Resolves when the next one serves, at the same port with the same stores; false when none ran. */
  killServer(): Promise<boolean>;
  /** Ends everything and removes the folder. */
  remove(): Promise<void>;
}

export interface Start {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Hears of everything unexpected. */
  readonly tell: (sentence: string) => void;
  /** Of the server, by variable. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Aborting it makes the start fail. `remove` aborts it too, so that nothing is started again. */
  readonly stopping: AbortController;
}

/** Starts it. Throws CannotRide, and leaves nothing behind, when it does not start. */
export async function startOwnService(start: Start): Promise<OwnService> {
  const path = await mkdtemp(join(tmpdir(), 'trackstand-ride-'));
  const running: Supervised[] = [];
  const remove = async (): Promise<void> => {
    start.stopping.abort();
    await Promise.all(running.map(endAtOnce));
    await rm(path, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const folder = await openDataFolder(path);
    return { ...(await startAll(folder, start, running)), remove };
  } catch (error) {
    const { aborted } = start.stopping.signal;
    await remove();
    if (aborted || !(error instanceof CannotStart)) throw error;
    throw new CannotRide(exitCodes.noService, `No service: ${error.message}`, error);
  }
}

/** Puts what runs into `running`, so that it can be ended even when the rest does not start. */
async function startAll(
  folder: DataFolder,
  { env, tell, stopping, settings = {} }: Start,
  running: Supervised[],
): Promise<Omit<OwnService, 'remove'>> {
  // Nothing else of the shell's: a PORT or REDIS_URL there is for another service.
  const ownEnv = {
    PATH: env['PATH'],
    LOG_LEVEL: 'warn',
    CHECKPOINT_MS: String(checkpointMs),
    ...settings,
  };
  const surroundings = { folder, guard: startOrphanGuard(), env: ownEnv };
  const start = async (program: Program): Promise<Supervised> => {
    const supervised = await supervise(program, stopping.signal, tell);
    running.push(supervised);
    return supervised;
  };
  const database = databaseProgram(surroundings);
  const redis = await redisProgram(surroundings);
  // Both have settled before a failure of one goes on: what runs must be known to be ended.
  const stores = await Promise.allSettled([start(database.program), redis && start(redis.program)]);
  for (const store of stores) if (store.status === 'rejected') throw store.reason;
  const port = await findPort();
  const urls = { databaseUrl: database.url, redisUrl: redis?.url };
  const server = await start(serverProgram(surroundings, port, urls));
  return {
    url: `http://127.0.0.1:${port}`,
    description: `a private server with embedded Postgres and ${redis ? 'Redis' : 'no Redis'}`,
    stores: urls,
    killServer: async () => (await server.exchange('SIGKILL')) !== undefined,
  };
}

/** Its data is thrown away, so nothing has to be drained or flushed. */
async function endAtOnce(supervised: Supervised): Promise<void> {
  const stopped = supervised.stop();
  supervised.kill();
  await stopped;
}
