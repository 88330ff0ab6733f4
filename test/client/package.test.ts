import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';

import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/** What a page loads that begins, keeps and guards a session, minified, and the packages in it. */
async function bundled(sources: readonly string[]) {
  const doors = sources.map((source) => `export * from '${join(root, source)}';`).join('\n');
  const bundle = await rolldown({
    input: 'doors',
    platform: 'browser',
    external: ['react'],
    plugins: [
      {
        name: 'doors',
        resolveId: (id) => (id === 'doors' ? id : null),
        load: (id) => (id === 'doors' ? doors : null),
      },
    ],
  });
  const { output } = await bundle.generate({ format: 'esm', minify: true });
  const [{ code, moduleIds, imports }] = output;
  const packages = moduleIds.flatMap(
    (id) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(id)?.[1] ?? [],
  );
  return {
    bytes: gzipSync(code, { level: 9 }).length,
    packages: [...new Set(packages), ...imports],
  };
}

describe('the client library', () => {
  test('is 12 kB at most, minified and gzipped, little more with storage and tabs, and leans on no framework', async () => {
    const core = await bundled(['client/connect.ts']);
    expect(core.packages).toEqual(['valibot']);
    expect(core.bytes).toBeLessThanOrEqual(12_000);
    // Far below it something was left out by the bundler, and the bound would guard nothing.
    expect(core.bytes).toBeGreaterThan(9_000);
    const whole = await bundled([
      'client/connect.ts',
      'client/indexed-db-storage.ts',
      'client/tab-hold.ts',
    ]);
    expect(whole.bytes).toBeLessThanOrEqual(13_100);
  });

  test('has a thin hook beside it', async () => {
    const hook = await bundled(['client/react.ts']);
    expect(hook.packages).toEqual(['react']);
    expect(hook.bytes).toBeLessThan(400);
  });
});

const consumer = `
import * as v from 'valibot';
import Fastify from 'fastify';
import { connect, type LiveSession } from 'trackstand/client';
import { useSession } from 'trackstand/react';
import { serverOptions, trackstand } from 'trackstand/server';
import { defineSession } from 'trackstand/session';
import { indexedDbStorage } from 'trackstand/storage';
import { holdInTab } from 'trackstand/tabs';

const tally = defineSession({
  kind: 'tally',
  version: 1,
  input: v.object({ bound: v.number() }),
  commands: { add: v.object({ amount: v.number() }) },
  events: { added: v.object({ amount: v.number() }) },
  initial: ({ bound }) => ({ bound, total: 0 }),
  decide: (_state, { data }) => [{ type: 'added', data }],
  evolve: (state, { data }) => ({ ...state, total: state.total + data.amount }),
});
const app = Fastify(serverOptions());
await app.register(trackstand, { sessions: [tally], postgres: '', secret: '' });
const hold = (await holdInTab('tally')) ?? undefined;
const storage = await indexedDbStorage('tally');
const session = await connect({ url: '', session: tally, input: { bound: 1 }, storage, hold });
session.send('add', { amount: 5 });
const total: number = session.view().state.total;
const part: number = useSession(session, ({ state }) => state.total);
if (session.view().stopReason === 'taken-over') session.close();
// @ts-expect-error: there is no such command.
session.send('subtract', { amount: total + part });
// @ts-expect-error: the amount is a number.
session.send('add', { amount: '5' });
// @ts-expect-error: there is no such reason.
if (session.view().stopReason === 4009) session.close();
export type Tally = LiveSession<{ total: number }, never>;
`;

describe('the package', () => {
  let folder: string;
  beforeAll(async () => {
    await run(process.execPath, ['deploy/declarations.mjs'], { cwd: root });
    folder = await mkdtemp(join(tmpdir(), 'consumer-'));
    await mkdir(join(folder, 'node_modules'));
    // As npm would put it there: the built files, without the sources beside them.
    const installed = join(folder, 'node_modules', 'trackstand');
    await mkdir(installed);
    await symlink(join(root, 'dist'), join(installed, 'dist'));
    await writeFile(join(installed, 'package.json'), await readFile(join(root, 'package.json')));
    for (const name of ['valibot', 'fastify', 'react', '@types'])
      await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('declares the types of all its doors, right uses compile and wrong ones do not', async () => {
    await writeFile(join(folder, 'app.ts'), consumer);
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const options =
      '--noEmit --strict --target es2023 --module nodenext --types node --skipLibCheck';
    const { stdout } = await run(process.execPath, [tsc, ...options.split(' '), 'app.ts'], {
      cwd: folder,
    }).catch((error: { stdout: string }) => error);
    expect(stdout).toBe('');
  });
});
