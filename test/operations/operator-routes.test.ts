import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Client } from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';

import { lastDeployNotes } from '../../server/operations/deploy-log.ts';
import { readReport } from '../../server/operations/reports.ts';
import { startServer } from '../support/live-server.ts';
import { createSession } from '../support/raw-client.ts';
import { makePrivateFolder } from '../support/services/private-folder.ts';

const isOperator = (authorization: string | undefined) =>
  Promise.resolve(authorization === 'Bearer of the house');

async function started(options: Parameters<typeof startServer>[0]) {
  const owners = {
    isOperator,
    begins: () => Promise.resolve({ kind: 'nobody' as const }),
    ownerOf: () => Promise.resolve(undefined),
  };
  const server = await startServer({ owners: () => Promise.resolve(owners), ...options });
  onTestFinished(() => server.stop().catch(() => {}));
  return server;
}

type Shown = {
  instances: Record<string, unknown>[];
  deploys: unknown;
  backup_age_ms: number | null;
};

async function look(url: string, authorization = 'Bearer of the house') {
  const response = await fetch(`${url}/v1/operator`, { headers: { authorization } });
  return { status: response.status, body: (await response.json()) as Shown };
}

/** Looks until it is so. */
async function seen(url: string, isSo: (shown: Shown) => boolean): Promise<Shown> {
  for (;;) {
    const { body } = await look(url);
    if (isSo(body)) return body;
  }
}

async function inPostgres(connectionString: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString });
  await client.connect();
  const { rows } = await client.query(sql);
  await client.end();
  return rows;
}

async function fileWith(text: string): Promise<string> {
  const folder = await makePrivateFolder('audit');
  onTestFinished(() => folder.remove());
  const path = join(folder.path, 'audit.jsonl');
  await writeFile(path, text);
  return path;
}

describe('what operators are shown', () => {
  test('is not there for anybody else', async () => {
    const { url } = await started({});
    for (const authorization of ['', 'Bearer somebody'])
      expect(await look(url, authorization)).toMatchObject({
        status: 404,
        body: { code: 'not-found' },
      });
  });

  test('one instance knows of all, while Redis is there, away or absent', async () => {
    const one = await started({ place: 'web:a', release: 'r1', withoutRedis: true });
    const { postgres } = one.stores;
    const two = await started({ place: 'web:b', release: 'r2', withoutRedis: true, postgres });
    await createSession(two.url);
    const { instances } = await seen(one.url, (shown) =>
      shown.instances.every(({ phase }) => phase === 'ready'),
    );
    expect(instances).toEqual([
      expect.objectContaining({ place: 'web:a', release: 'r1', redis: 'absent', postgres: 'up' }),
      expect.objectContaining({ place: 'web:b', release: 'r2', redis: 'absent', postgres: 'up' }),
    ]);
    await two.stop();
    const left = await look(one.url);
    expect(left.body.instances.map(({ place }) => place)).toEqual(['web:a']);
  });

  test('an instance that died without a word is still shown, with how long it has been silent', async () => {
    const server = await started({ place: 'web:a' });
    const { postgres } = server.stores;
    await inPostgres(
      postgres,
      `insert into trackstand.instances (place, release, migrations, heard_at, report)
       values ('web:dead', 'r0', '{}', now() - interval '70 s', '{"phase":"ready","sessions":"many"}'),
              ('web:forgotten', 'r0', '{}', now() - interval '2 days', null)`,
    );
    const { body } = await look(server.url);
    expect(body.instances.map(({ place }) => place)).toEqual(['web:a', 'web:dead']);
    expect(body.instances[1]).toMatchObject({ phase: 'ready', sessions: 0 });
    expect(body.instances[1]?.['silent_ms']).toBeGreaterThanOrEqual(70_000);
  });

  test('the latest lines of the deploy log, newest first; what is no such line is passed over', async () => {
    const at = '2026-11-21T02:00:00.000Z';
    const path = await fileWith(
      [
        JSON.stringify({ at, action: 'deploy', release: 'r1', by: 'ada', previous: 'x' }),
        '{"at":"2026-11-21T02:00:10.000Z","action":"dep',
        JSON.stringify({ at, action: 'deploy-done', release: 'r1', moved: '12', seconds: '40' }),
        'no line of ours',
      ].join('\n'),
    );
    const server = await started({ deployLog: path });
    expect((await look(server.url)).body.deploys).toEqual([
      { at, action: 'deploy-done', release: 'r1', moved: '12', seconds: '40' },
      { at, action: 'deploy', release: 'r1', by: 'ada' },
    ]);
    const without = await started({ deployLog: '/nowhere/audit.jsonl' });
    expect((await look(without.url)).body.deploys).toEqual([]);
    expect(await lastDeployNotes(path, 1)).toHaveLength(1);
  });

  test('a database restored from before forgets nobody: the next word brings the instance back', async () => {
    const server = await started({ place: 'web:a' });
    const { postgres } = server.stores;
    await seen(server.url, ({ instances }) => instances[0]?.['phase'] === 'ready');
    await inPostgres(postgres, 'delete from trackstand.instances');
    const { instances } = await seen(server.url, (shown) => shown.instances.length > 0);
    expect(instances[0]).toMatchObject({ place: 'web:a', phase: 'ready' });
  });
});

test('a report of an older or a newer release is read as far as it goes', () => {
  expect(readReport({ phase: 'ready', sessions: 3, connections: -1, news: true })).toMatchObject({
    phase: 'ready',
    sessions: 3,
    connections: 0,
    redis: 'absent',
  });
  expect(readReport(undefined)).toMatchObject({ phase: 'unknown', sessions: 0 });
});
