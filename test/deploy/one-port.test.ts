import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { nothing, underLoad } from '../prove/under-load.ts';
import { lines } from '../support/rolling-script.ts';
import { freePort } from '../support/services/free-port.ts';
import { makePrivateFolder, type PrivateFolder } from '../support/services/private-folder.ts';
import { startServer, type PrivateServer } from '../support/services/private-server.ts';
import { builtFile, freshPostgres, freshRedis } from '../support/services/shared-services.ts';
import { eventually, repository } from './shared-host.ts';

const use = { sessions: 10, commandsPerS: 50, requestsPerS: 20 };
const each = (count: number): number[] => Array.from({ length: use.sessions }, () => count);

describe('one port and no proxy', () => {
  let folder: PrivateFolder;
  let server: PrivateServer;
  let url: string;
  let env: Record<string, string>;
  const script = join(repository, 'deploy/one-port.mjs');
  const release = async (name: string, before = ''): Promise<void> => {
    const at = join(folder.path, 'releases', name);
    await mkdir(join(at, 'dist/server'), { recursive: true });
    await writeFile(join(at, 'package.json'), '{"type":"module"}');
    await writeFile(join(at, 'dist/server/before.js'), before);
    await writeFile(
      join(at, 'dist/server/main.js'),
      `await import('./before.js');\nawait import(${JSON.stringify(await builtFile('server/main'))});\n`,
    );
  };
  beforeAll(async () => {
    folder = await makePrivateFolder('one-port');
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    await writeFile(
      join(folder.path, 'app.env'),
      lines({
        HOST: '127.0.0.1',
        PORT: port,
        DATABASE_URL: (await freshPostgres()).url,
        REDIS_URL: (await freshRedis()).url,
        TRACKSTAND_SECRET: 'a secret of thirty-two characters or more',
        LOG_LEVEL: 'warn',
        CHECKPOINT_MS: 200,
        DRAIN_MOVES_PER_S: 500,
        DRAIN_GRACE_MS: 15_000,
        SESSIONS_PER_HOUR_MAX: 1_000_000,
        CONNECTIONS_PER_ADDRESS_MAX: 10_000,
      }),
    );
    for (const name of ['r1', 'r2']) await release(name);
    await release('exits', 'process.exit(1);');
    await release('hangs', 'setInterval(() => {}, 1_000); await new Promise(() => {});');
    await release(
      'dies',
      `import { Server } from 'node:net';
       const { listen } = Server.prototype;
       Server.prototype.listen = function (...words) {
         this.once('listening', () => setTimeout(() => process.exit(1), 200));
         return listen.apply(this, words);
       };`,
    );
    env = {
      STATE_DIR: folder.path,
      APP_ENV: join(folder.path, 'app.env'),
      HEALTHY_S: '1',
      READY_DEADLINE_S: '20',
    };
    server = await startServer(
      { file: process.execPath, args: [script, 'run', 'r1'], ready: /Release r1 serves/, env },
      folder,
    );
  });
  afterAll(async () => {
    await server.end('SIGKILL');
    await folder.remove();
  });

  const deploy = async (
    name: string,
    more: Record<string, string> = {},
  ): Promise<{ code: number | null; said: string }> => {
    const child = spawn(process.execPath, [script, 'deploy', name], {
      env: { ...process.env, ...env, ...more },
    });
    const said: Buffer[] = [];
    child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, said: Buffer.concat(said).toString('utf8').trim() };
  };
  const served = async (): Promise<string> => {
    const answer = await fetch(`${url}/version`, { headers: { connection: 'close' } });
    return ((await answer.json()) as { release: string }).release;
  };
  const processes = (): Promise<string> =>
    new Promise((resolve) => {
      execFile('pgrep', ['-P', String(server.pid)], (_error, stdout) => resolve(stdout.trim()));
    });

  test('a deploy: no request fails, everybody moves once, and one process is left', async () => {
    const { result, moves, ...noticed } = await underLoad(url, use, () => deploy('r2'));
    expect(result.code, result.said).toBe(0);
    expect(result.said).toMatch(/Release r2 serves\.$/);
    expect(noticed).toMatchObject(nothing);
    expect(noticed.requestCount).toBeGreaterThan(100);
    expect(moves).toEqual(each(1));
    expect(await served()).toBe('r2');
    expect((await processes()).split('\n')).toHaveLength(1);
    expect(await readFile(join(folder.path, 'one-port.live'), 'utf8')).toBe('r2');
  });

  test('a release that ends at once is given up, and nobody notices', async () => {
    const { result, ...noticed } = await underLoad(url, use, () => deploy('exits'));
    expect(result).toMatchObject({
      code: 20,
      said: expect.stringMatching(/was given up: its process ended\. Nothing was changed\.$/),
    });
    expect(noticed).toMatchObject({ ...nothing, moves: each(0) });
    expect(await served()).toBe('r2');
  });

  test('a release that does not get ready is given up, and no other deploy begins meanwhile', async () => {
    const { result, ...noticed } = await underLoad(url, use, async () => {
      const first = deploy('hangs');
      await eventually(async () => (await processes()).split('\n').length).toBe(2);
      const second = await deploy('exits');
      return { first: await first, second };
    });
    expect(result.second).toMatchObject({ code: 75, said: 'Another deploy is under way.' });
    expect(result.first.code, result.first.said).toBe(20);
    expect(noticed).toMatchObject({ ...nothing, moves: each(0) });
  });

  test('a release that dies soon after it took connections: the former one has never left', async () => {
    const { result, ...noticed } = await underLoad(url, use, () => deploy('dies'));
    expect(result.code, result.said).toBe(31);
    expect(result.said).toMatch(/Release dies died; r2 serves alone\.$/);
    expect(noticed).toMatchObject({ differingCount: 0 });
    expect(await served()).toBe('r2');
  });

  test('a release that is not there, and a service that is not', async () => {
    expect(await deploy('gone')).toEqual({
      code: 11,
      said: 'There is no release "gone"; nothing was changed.',
    });
    expect(await deploy('r1', { STATE_DIR: '/nowhere' })).toMatchObject({ code: 69 });
  });

  test('an instance that is killed is started again, and nothing is lost', async () => {
    const noticed = await underLoad(url, use, async () => {
      process.kill(Number(await processes()), 'SIGKILL');
      await eventually(() => served().catch(() => '')).toBe('r2');
    });
    expect(noticed.differingCount).toBe(0);
  });
});
