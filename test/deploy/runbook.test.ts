import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { DeployHost } from '../support/deploy-host.ts';
import { freePort } from '../support/services/free-port.ts';
import { eventually, repository, startSharedHost, startWatchedRiders } from './shared-host.ts';

describe('what the runbook says to do when an alert wakes somebody', () => {
  let host: DeployHost;
  let alerts: string;
  let metricsPort: number;
  beforeAll(async () => {
    metricsPort = await freePort();
    host = await startSharedHost(
      {},
      { instanceSettings: { METRICS_LISTEN: `127.0.0.1:${metricsPort}-${metricsPort + 9}` } },
    );
    const page = await readFile(join(repository, 'deploy/README.md'), 'utf8');
    alerts = page.slice(page.indexOf('\n## Alerts\n'));
    for (const name of ['r1', 'r2']) await host.release(name);
    for (const name of ['r1', 'r2']) {
      const { code, said } = await host.rolling('deploy', name);
      if (code !== 0) throw new Error(said);
    }
  });
  afterAll(() => host.stop());

  /** As somebody types it, with this host's places. */
  const typed = async (line: string): Promise<string> => {
    const [database = ''] = /^DATABASE_URL=.*$/m.exec(await readFile(host.envFile, 'utf8')) ?? [];
    const here = line
      .replaceAll('/run/trackstand', host.nginx.runFolder)
      .replaceAll('/var/log/trackstand', join(host.folder, 'log'))
      .replaceAll('<release>', 'r2')
      .replace(/#.*$/, '');
    const { stdout } = await promisify(execFile)('bash', ['-euc', here], {
      env: { ...process.env, DATABASE_URL: database.slice('DATABASE_URL='.length) },
    });
    return stdout;
  };
  const processOf = async (instance: string): Promise<number> =>
    Number((await host.driver('alive', instance)).stdout.split('/')[0]);

  test('each of rolling.sh’s commands is one, and goes well where all is well', async () => {
    const said = [...alerts.matchAll(/`rolling\.sh\s([a-z]+)((?:\s(?:a|b|--undo))*)`/g)];
    const commands = new Set(said.map(([, verb = '', words = '']) => `${verb}${words}`));
    expect([...commands].toSorted()).toEqual([
      'abort',
      'boot',
      'drain a',
      'drain a --undo',
      'prune',
      'resume',
      'rollback',
      'status',
      'verify',
    ]);
    // In an order that makes sense: back at the end.
    for (const command of [...commands].toSorted()) {
      const { code, said } = await host.rolling(...command.split(' '));
      expect(code, `${command}: ${said}`).toBe(0);
    }
    expect(await host.routed()).toEqual(['a.r1', 'b.r1']);
    expect((await host.rolling('rollback')).code).toBe(0);
  });

  test('an instance says how it is, on its socket, in its log and to whoever collects metrics', async () => {
    const [, block = ''] = /```sh\n(curl[\s\S]*?)```/.exec(alerts) ?? [];
    const [ask = '', log = ''] = block.split('\n');
    expect(JSON.parse(await typed(ask))).toMatchObject({ status: 'ready', phase: 'ready' });
    expect(await typed(log)).toBeTypeOf('string');
    const [metrics = ''] = /curl -s 127\.0\.0\.1:9464\/metrics/.exec(alerts) ?? [];
    // Each instance has the first port that was free when it began.
    const said = await Promise.all(
      Array.from({ length: 10 }, (_, at) =>
        typed(metrics.replace(':9464', `:${metricsPort + at}`)).catch(() => ''),
      ),
    );
    expect(said.filter((text) => text.includes('trackstand_sessions '))).toHaveLength(2);
  });

  test('Postgres says what it waits for', async () => {
    const [, line = ''] = /```sh\n(psql .*)\n```/.exec(alerts) ?? [];
    expect(await typed(line)).toContain('wait_event_type');
  });

  test('an instance with too much memory is started anew, and nobody notices', async () => {
    expect(alerts).toMatch(/`rolling\.sh drain a`, `kill` the process id .*\n`rolling\.sh status`/);
    const watched = await startWatchedRiders(host.url, 6);
    const before = await processOf('a.r2');
    expect((await host.rolling('drain', 'a')).code).toBe(0);
    process.kill(before);
    await eventually(async () => (await host.driver('alive', 'a.r2')).code).toBe(1);
    expect((await host.rolling('drain', 'a', '--undo')).code).toBe(0);
    expect(await processOf('a.r2')).not.toBe(before);
    expect(await host.routed()).toEqual(['a.r2', 'b.r2']);
    await watched.areUnharmed();
  });
});
