/** Rows without a proxy: the old and the new process accept on one port. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { lines } from '../support/rolling-script.ts';
import { freePort } from '../support/services/free-port.ts';
import { makePrivateFolder } from '../support/services/private-folder.ts';
import { startServer } from '../support/services/private-server.ts';
import { eachMovesOnce, fails } from './expectations.ts';
import type { Bench, Row, RowNoticed } from './rows.ts';
import { slowPage } from './slow-page.ts';
import { underLoad } from './under-load.ts';

const deploySeconds = { HEALTHY_S: '1', READY_DEADLINE_S: '60' };

async function onOnePort(bench: Bench, before: string): Promise<RowNoticed> {
  const { postgres, redis } = await bench.stores();
  const folder = await makePrivateFolder('one-port');
  const port = await freePort();
  const file = join(bench.repository, 'deploy/one-port.mjs');
  const envFile = join(folder.path, 'app.env');
  await writeFile(
    envFile,
    lines({
      HOST: '127.0.0.1',
      PORT: port,
      DATABASE_URL: postgres,
      REDIS_URL: redis,
      TRACKSTAND_SECRET: 'a secret of thirty-two characters or more',
      LOG_LEVEL: 'warn',
      CHECKPOINT_MS: 1_000,
      DRAIN_GRACE_MS: 15_000,
      SESSIONS_PER_HOUR_MAX: 1_000_000,
      CONNECTIONS_PER_ADDRESS_MAX: 10_000,
    }),
  );
  for (const name of ['r1', 'r2']) {
    const at = join(folder.path, 'releases', name);
    await mkdir(join(at, 'dist/server'), { recursive: true });
    await writeFile(join(at, 'package.json'), '{"type":"module"}');
    await writeFile(
      join(at, 'dist/server/main.js'),
      `${before}${slowPage}await import(${JSON.stringify(bench.serverFile)});\n`,
    );
  }
  const env = { STATE_DIR: folder.path, APP_ENV: envFile, ...deploySeconds };
  const server = await startServer(
    { file: process.execPath, args: [file, 'run', 'r1'], ready: /Release r1 serves/, env },
    folder,
  );
  folder.guard(-server.pid);
  try {
    return await underLoad(`http://127.0.0.1:${port}`, { ...bench.use, postgres }, async () => {
      await promisify(execFile)(process.execPath, [file, 'deploy', 'r2'], {
        env: { ...process.env, ...env },
      });
    });
  } finally {
    await server.end('SIGTERM');
    await folder.remove();
  }
}

export const onePortRows: readonly Row[] = [
  {
    group: 'ours',
    id: 'one-port',
    what: 'No proxy: one port shared by the old and the new process',
    because: 'As behind nginx. It is trip2g’s E6 with what is under way brought to its end.',
    expects: eachMovesOnce,
    run: (bench) => onOnePort(bench, ''),
  },
  {
    group: 'others',
    id: 'e6',
    what: 'trip2g’s E6, nearest equivalent: one port shared, and an old process that ends at once',
    because: 'What is under way is cut. (There: 0.2 %, SO_REUSEPORT; here one listening socket.)',
    expects: fails('requests that are under way are reset', /^(ECONNRESET|socket hang up) of /),
    run: (bench) => onOnePort(bench, `process.once('SIGTERM', () => process.exit(0));\n`),
  },
];
