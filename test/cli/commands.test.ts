import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, onTestFinished, test } from 'vitest';

import { startServer } from '../support/live-server.ts';
import { createSession } from '../support/raw-client.ts';
import { typed } from '../support/schema-releases.ts';
import { makePrivateFolder } from '../support/services/private-folder.ts';
import { freshPostgres, freshRedis } from '../support/services/shared-services.ts';
import { tallyTwo } from '../support/tally-two.ts';

const nowhere = { postgres: 'postgres://127.0.0.1:9/none', redis: undefined };

async function fileWith(text: string): Promise<string> {
  const folder = await makePrivateFolder('versions');
  onTestFinished(() => folder.remove());
  const path = join(folder.path, 'versions.json');
  await writeFile(path, text);
  return path;
}

describe('the operator’s commands', () => {
  test('help names every command, and each explains its options', async () => {
    const overview = await typed('--help', nowhere);
    expect(overview).toMatchObject({ exitCode: 0, stderr: '' });
    for (const name of ['status', 'versions', 'check-rollback', 'downcast', 'ceiling'])
      expect(overview.stdout).toContain(`schema ${name}`);
    const help = await typed('schema downcast --help', nowhere);
    expect(help.exitCode).toBe(0);
    expect(help.stdout).toMatch(/--to kind=version\[,…\] +versions to go back to/);
  });

  test('what cannot be meant is told in a sentence, with exit code 2, before any store is asked', async () => {
    const wrong = [
      'schema rollback',
      'schema downcast',
      'schema downcast --to tally',
      'schema downcast --to tally=0',
      'schema downcast --to tally=1 --to-file x',
      'schema downcast --to-file /nowhere/at/all',
      'schema ceiling --set tally=1 --lift tally',
      'schema status --colour red',
    ];
    for (const command of wrong) {
      const { exitCode, stdout, stderr } = await typed(command, nowhere);
      expect({ command, exitCode, stdout }).toEqual({ command, exitCode: 2, stdout: '' });
      expect(stderr.trim().split('\n')).toHaveLength(1);
    }
  });

  test('the versions of a release are printed without any store', async () => {
    const { exitCode, stdout } = await typed('schema versions --json', {
      ...nowhere,
      redis: 'redis://127.0.0.1:9',
    });
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ release: 'two', versions: { tally: 2 } });
  });

  test('a store that cannot be reached ends it with 69, a variable that is missing with 78', async () => {
    expect(await typed('schema status', nowhere)).toMatchObject({ exitCode: 69, stdout: '' });
    const { stderr, exitCode } = await typed('schema status', { postgres: '', redis: undefined });
    expect([exitCode, stderr]).toEqual([78, 'DATABASE_URL is not set.\n']);
  });

  test('forgetting where Redis is, is a mistake: it may hold what Postgres does not', async () => {
    const [{ url: postgres }, { url: redis }] = [await freshPostgres(), await freshRedis()];
    const { exitCode, stderr } = await typed('schema status --without-redis', { postgres, redis });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('REDIS_URL');
  });

  test('a kind that the release to go back to does not know cannot go with it', async () => {
    const server = await startServer({ sessions: [tallyTwo] });
    onTestFinished(() => server.stop());
    await createSession(server.url);
    const foreign = await fileWith('{"release":"one","versions":{"workout":1}}');
    for (const command of ['check-rollback', 'downcast'])
      expect(await typed(`schema ${command} --to-file ${foreign}`, server.stores)).toMatchObject({
        exitCode: 4,
        stdout: expect.stringContaining(
          'refused: 1 sessions of tally: the release to go back to does not know this kind\n',
        ) as string,
      });
    const known = await fileWith('{"release":"one","versions":{"tally":1}}');
    const command = `schema check-rollback --to-file ${known}`;
    expect(await typed(command, server.stores)).toMatchObject({
      exitCode: 3,
      stdout: '1 sessions of tally need a downcast to 1\n',
    });
  });
});
