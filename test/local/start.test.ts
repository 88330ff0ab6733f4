import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import { makePrivateFolder, type PrivateFolder } from '../support/services/private-folder.ts';
import { builtFile } from '../support/services/shared-services.ts';
import { runProcess, type RunningProcess } from './running-process.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** In place of the server: serves, tells its pid and settings, and leaves on SIGTERM. */
const stubServer = `
  import { createServer } from 'node:http';
  const { PORT, HOST, DATABASE_URL, REDIS_URL, TRACKSTAND_SECRET, STUB_FAULT } = process.env;
  if (STUB_FAULT) { console.error(STUB_FAULT); process.exit(78); }
  const told = JSON.stringify({ pid: process.pid, DATABASE_URL, REDIS_URL, TRACKSTAND_SECRET });
  createServer((request, response) => response.end(told)).listen(PORT, HOST);
`;

interface Told {
  readonly pid: number;
  readonly DATABASE_URL: string;
  readonly REDIS_URL: string;
  readonly TRACKSTAND_SECRET: string;
}

/** A copy of what `npm start` runs, with the stub as server. */
interface House {
  readonly root: string;
  readonly data: string;
  /** Starts the supervisor, on a free port unless told. */
  start(env?: Readonly<Record<string, string>>): Promise<RunningProcess>;
  /** The same in a pseudo terminal. */
  startInTerminal(): Promise<RunningProcess>;
}

/** With no data, or with a copy of this data of Postgres, which saves the time to make it. */
async function makeHouse(postgresData?: string): Promise<House> {
  const local = dirname(await builtFile('local/main'));
  await builtFile('local/pglite-process');
  const folder = await makePrivateFolder('start');
  onTestFinished(() => folder.remove());
  const root = folder.path;
  await cp(local, join(root, 'dist/local'), { recursive: true });
  await mkdir(join(root, 'dist/server'));
  await writeFile(join(root, 'dist/server/main.js'), stubServer);
  await writeFile(join(root, 'package.json'), '{ "type": "module" }');
  await symlink(join(repository, 'node_modules'), join(root, 'node_modules'));
  const main = join(root, 'dist/local/main.js');
  const data = join(root, '.trackstand');
  if (postgresData !== undefined) {
    await cp(postgresData, join(data, 'postgres/data'), { recursive: true });
    await writeFile(join(data, 'format'), 'trackstand data 1\n');
  }
  const launch = async (
    command: readonly [string, ...string[]],
    env: Readonly<Record<string, string>> = {},
  ): Promise<RunningProcess> => {
    // Each process has a folder of its own, whose guard ends it should this test die.
    const own = await makePrivateFolder('supervisor');
    onTestFinished(() => own.remove());
    return runProcess(own, command, { PORT: '0', TRACKSTAND_DATA: '', ...env });
  };
  return {
    root,
    data,
    start: (env) => launch([process.execPath, main], env),
    startInTerminal: () => launch(['script', '-qec', `${process.execPath} ${main}`, '/dev/null']),
  };
}

async function untilServing(supervisor: RunningProcess): Promise<string> {
  const [, url = ''] = await supervisor.waitFor(/(http:\/\/127\.0\.0\.1:\d+)\S* serves after/);
  return url;
}

async function ask(url: string): Promise<Told> {
  return (await (await fetch(url)).json()) as Told;
}

async function endGently(supervisor: RunningProcess): Promise<void> {
  supervisor.send('SIGTERM');
  expect(await supervisor.ended).toBe(0);
}

/** Resolves when whoever listens at the URL is gone. */
async function untilGone(url: string): Promise<void> {
  const { hostname, port } = new URL(url);
  await new Promise<void>((resolve) => {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => resolve());
    socket.on('close', () => resolve());
  });
}

/** What it said when it ended with code 1; exactly one line of it is on stderr. */
async function refusal(supervisor: RunningProcess): Promise<string> {
  expect(await supervisor.ended).toBe(1);
  expect(supervisor.stderr().trim().split('\n')).toHaveLength(1);
  return supervisor.stderr().trim();
}

describe('npm start', () => {
  let made: PrivateFolder;

  beforeAll(async () => {
    made = await makePrivateFolder('made');
    const file = await builtFile('local/pglite-process');
    const database = runProcess(made, [process.execPath, file, made.path]);
    await database.waitFor(/^ready/m);
    await endGently(database);
  });
  afterAll(() => made.remove());

  const makeHouseWithData = () => makeHouse(join(made.path, 'data'));

  test('starts, stops and starts again with the same data and secret', async () => {
    const house = await makeHouse();
    const first = await house.start();
    const told = await ask(await untilServing(first));
    expect(told.DATABASE_URL).toMatch(/^postgres:\/\/\/postgres\?host=/);
    expect(told.REDIS_URL).toMatch(/^redis:\/\/:[\w-]+@127\.0\.0\.1:\d+$/);
    await endGently(first);

    const second = await house.start();
    const toldAgain = await ask(await untilServing(second));
    expect(toldAgain.TRACKSTAND_SECRET).toBe(told.TRACKSTAND_SECRET);
    await endGently(second);
    const { mode } = await stat(join(house.data, 'secret'));
    expect(mode & 0o777).toBe(0o600);
  });

  test("keeps the shell's own databases out", async () => {
    const house = await makeHouseWithData();
    const supervisor = await house.start({
      DATABASE_URL: 'postgres://elsewhere/precious',
      REDIS_URL: 'redis://elsewhere',
    });
    const told = await ask(await untilServing(supervisor));
    expect(`${told.DATABASE_URL} ${told.REDIS_URL}`).not.toContain('elsewhere');
    await endGently(supervisor);
  });

  test('without redis-server in PATH says so and runs on Postgres alone', async () => {
    const house = await makeHouseWithData();
    const programs = join(house.root, 'programs');
    await mkdir(programs);
    await symlink('/bin/sh', join(programs, 'sh'));
    const supervisor = await house.start({ PATH: programs });
    const told = await ask(await untilServing(supervisor));
    expect(told.REDIS_URL).toBe('');
    await supervisor.waitFor(/log {4}Postgres too, as there is no redis-server here/);
    await endGently(supervisor);
  });

  test('a second start on the same data is refused, and the first goes on', async () => {
    const house = await makeHouseWithData();
    const first = await house.start();
    const url = await untilServing(first);
    const second = await house.start();
    expect(await refusal(second)).toMatch(/^Trackstand already runs with the data in .*: stop it,/);
    expect((await fetch(url)).ok).toBe(true);
    await endGently(first);
  });

  test('a taken port is told with a way out', async () => {
    const house = await makeHouse();
    const taken = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void taken.close());
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as AddressInfo;
    const supervisor = await house.start({ PORT: String(port) });
    expect(await refusal(supervisor)).toBe(
      `Port ${port} is taken: set PORT to another one, for example PORT=3001.`,
    );
  });

  test.each(['99999', '-1', 'http', '3000.5'])(
    'PORT=%s is refused before anything is made',
    async (port) => {
      const house = await makeHouse();
      expect(await refusal(await house.start({ PORT: port }))).toBe(
        `PORT must be a whole number from 0 to 65535, not "${port}".`,
      );
      expect(existsSync(house.data)).toBe(false);
    },
  );

  test('a folder of somebody else is refused and left as it is', async () => {
    const house = await makeHouse();
    await mkdir(house.data);
    await writeFile(join(house.data, 'thesis.txt'), 'precious');
    expect(await refusal(await house.start())).toMatch(
      /holds something that is not Trackstand's\./,
    );
    expect(await readFile(join(house.data, 'thesis.txt'), 'utf8')).toBe('precious');
    expect(existsSync(join(house.data, 'format'))).toBe(false);
  });

  test('a folder of a newer release is refused', async () => {
    const house = await makeHouse();
    await mkdir(house.data);
    await writeFile(join(house.data, 'format'), 'trackstand data 2\n');
    expect(await refusal(await house.start())).toMatch(
      /was made by a newer release of Trackstand\./,
    );
  });

  test('data of another Postgres is refused and left as it is', async () => {
    const house = await makeHouseWithData();
    const first = await house.start();
    await untilServing(first);
    await endGently(first);
    const version = join(house.data, 'postgres/data/PG_VERSION');
    await writeFile(version, '16\n');
    expect(await refusal(await house.start())).toMatch(
      /holds data of Postgres 16, this release reads 18/,
    );
    expect(await readFile(version, 'utf8')).toBe('16\n');
  });

  test('a server that refuses its configuration is quoted', async () => {
    const house = await makeHouseWithData();
    const supervisor = await house.start({ STUB_FAULT: 'LOG_LEVEL must be one of debug, info.' });
    expect(await refusal(supervisor)).toBe('LOG_LEVEL must be one of debug, info.');
  });

  test('a server that is not built is told', async () => {
    const house = await makeHouse();
    await rm(join(house.root, 'dist/server/main.js'));
    expect(await refusal(await house.start())).toMatch(/^dist\/server\/main\.js is missing/);
  });

  test('a server that crashes is started again', async () => {
    const house = await makeHouseWithData();
    const supervisor = await house.start();
    const url = await untilServing(supervisor);
    const { pid } = await ask(url);
    process.kill(pid, 'SIGKILL');
    await supervisor.waitFor(
      /The server ended \(SIGKILL\) and is started again\.\s+The server serves again\./,
    );
    expect((await ask(url)).pid).not.toBe(pid);
    await endGently(supervisor);
  });

  test('killed with -9 leaves no server behind, and starts again', async () => {
    const house = await makeHouseWithData();
    const supervisor = await house.start();
    const url = await untilServing(supervisor);
    supervisor.send('SIGKILL');
    await untilGone(url);
    const next = await house.start();
    await untilServing(next);
    await endGently(next);
  });

  test('in a terminal r restarts, k kills, q quits', async () => {
    const house = await makeHouseWithData();
    const supervisor = await house.startInTerminal();
    const url = await untilServing(supervisor);
    await supervisor.waitFor(/quit/);
    const first = await ask(url);
    supervisor.type('r');
    await supervisor.waitFor(
      /Restarting the server …\s+the old server ended after .*, the new one serves after/,
    );
    const second = await ask(url);
    supervisor.type('k');
    await supervisor.waitFor(
      /Killing the server …\s+the old server ended after .*, the new one serves after/,
    );
    const third = await ask(url);
    expect(new Set([first.pid, second.pid, third.pid]).size).toBe(3);
    supervisor.type('q');
    expect(await supervisor.ended).toBe(0);
    expect(supervisor.stdout()).toMatch(/Stopping …/);
  });
});
