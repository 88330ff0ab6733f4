/**
 * The embedded default, what `npm start` runs: the server with a private database and, when it is there, a private
 * Redis, all of them kept running. Data lives in `.trackstand/`, or where TRACKSTAND_DATA says.
 */
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { CannotStart } from './cannot-start.ts';
import { openDataFolder } from './data-folder.ts';
import { startOrphanGuard } from './orphan-guard.ts';
import { databaseProgram, findPort, redisProgram, serverProgram } from './programs.ts';
import { supervise, type Program, type Supervised } from './supervise.ts';
import { openTerminal, type Terminal } from './terminal.ts';

const defaultPort = 3000;

/** What this process has under way. */
interface House {
  readonly terminal: Terminal;
  readonly stopping: AbortController;
  /** The server's stores, and the server once it serves. */
  readonly stores: Supervised[];
  server?: Supervised;
}

async function main(): Promise<void> {
  const terminal = openTerminal(process.stdin, process.stdout, process.env);
  const house: House = { terminal, stopping: new AbortController(), stores: [] };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => stop(house));
  try {
    await startAll(house);
  } catch (error) {
    // A stop makes what is starting fail, and ends this process itself.
    if (house.stopping.signal.aborted) return;
    console.error(error instanceof CannotStart ? error.message : error);
    stop(house, 1);
    return;
  }
  const keys = { r: 'SIGTERM', k: 'SIGKILL' } as const;
  terminal.onKey((key) => {
    if (key === 'q') stop(house);
    else if (key === 'r' || key === 'k') void exchangeServer(house, keys[key]);
  });
}

async function startAll(house: House): Promise<void> {
  const { terminal, stopping } = house;
  const { env } = process;
  const beganMs = performance.now();
  const repository = fileURLToPath(new URL('../..', import.meta.url));
  const wishedPort = readPort(env['PORT']);
  const folder = await openDataFolder(resolve(repository, env['TRACKSTAND_DATA'] || '.trackstand'));
  const port = await findPort(wishedPort);
  const surroundings = { folder, guard: startOrphanGuard(), env };
  const start = (program: Program) =>
    supervise(program, stopping.signal, (sentence) => terminal.warn(`  ${sentence}`));
  const startStore = async (program: Program) => void house.stores.push(await start(program));

  const database = databaseProgram(surroundings);
  const redis = await redisProgram(surroundings);
  const urls = { databaseUrl: database.url, redisUrl: redis?.url };
  const server = serverProgram(surroundings, port, urls);

  terminal.say(`\n  ${terminal.bold('Trackstand')} is starting …`);
  await Promise.all([startStore(database.program), redis && startStore(redis.program)]);
  house.server = await start(server);

  const url = terminal.bold(`http://127.0.0.1:${port}`);
  terminal.say(`  ${url} serves after ${inSeconds(performance.now() - beganMs)}\n`);
  terminal.say(`  data   ${relative(process.cwd(), folder.path) || folder.path}`);
  terminal.say('  store  embedded Postgres (PGlite), on disk at every commit');
  const noRedis = 'Postgres too, as there is no redis-server here';
  terminal.say(`  log    ${redis === undefined ? noRedis : 'private Redis'}\n`);
  if (!terminal.hasKeys) return;
  const [r, k, q] = ['r', 'k', 'q'].map((key) => terminal.bold(key));
  terminal.say(`  ${r} restart the server under the riders   ${k} kill it with -9   ${q} quit\n`);
}

function readPort(text: string | undefined): number {
  const port = text === undefined || text === '' ? defaultPort : Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new CannotStart(`PORT must be a whole number from 0 to 65535, not "${text}".`);
}

async function exchangeServer(house: House, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  house.terminal.say(signal === 'SIGTERM' ? '  Restarting the server …' : '  Killing the server …');
  const exchange = await house.server?.exchange(signal);
  if (exchange === undefined) return;
  const { endedAfterMs, servedAfterMs } = exchange;
  const ended = `the old server ended after ${inSeconds(endedAfterMs)}`;
  house.terminal.say(`  ${ended}, the new one serves after ${inSeconds(servedAfterMs)}`);
}

/** Ends the server first, then its stores, then this process. A second call ends what takes its time. */
function stop(house: House, exitCode = 0): void {
  const { terminal, stopping, server, stores } = house;
  if (stopping.signal.aborted) {
    for (const supervised of [server, ...stores]) supervised?.kill();
    return;
  }
  stopping.abort();
  if (exitCode === 0) terminal.say('  Stopping …');
  const stopped = (async () => {
    await server?.stop();
    await Promise.all(stores.map((store) => store.stop()));
  })();
  void stopped.finally(() => {
    terminal.close();
    process.exit(exitCode);
  });
}

function inSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

void main();
