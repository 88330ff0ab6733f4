import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { nothing, underLoad } from '../prove/under-load.ts';
import type { DeployHost } from '../support/deploy-host.ts';
import { startSharedHost } from './shared-host.ts';

const use = { sessions: 10, commandsPerS: 40, requestsPerS: 20 };
const each = (count: number): number[] => Array.from({ length: use.sessions }, () => count);

describe('routes by files, for instances that listen on addresses', () => {
  let host: DeployHost;
  beforeAll(async () => {
    host = await startSharedHost({ SLOWER_BY_MS: 5_000 }, { isByFlags: true });
    for (const name of ['r1', 'r2', 'r3']) await host.release(name);
    await host.release('exits', 'process.exit(1);');
    const { code, said } = await host.rolling('deploy', 'r1');
    if (code !== 0) throw new Error(said);
  });
  afterAll(() => host.stop());

  const flags = async (): Promise<string[]> =>
    (await readdir(join(host.nginx.runFolder, 'flags'))).toSorted();

  test('a file for each route says where it leads', async () => {
    const names = await flags();
    expect(names).toHaveLength(20);
    expect(names.slice(0, 2)).toEqual(['v00.a1', 'v01.a1']);
    expect(names.at(-1)).toBe('v19.b1');
  });

  test('a deploy renames the files, reloads nothing, and nobody notices', async () => {
    const pid = host.nginx.pid();
    const { result, moves, ...noticed } = await underLoad(host.url, use, () =>
      host.rolling('deploy', 'r2', '--strict'),
    );
    expect(result.code, result.said).toBe(0);
    expect(noticed).toMatchObject(nothing);
    expect(moves).toEqual(each(1));
    expect(new Set((await flags()).map((name) => name.slice(4)))).toEqual(new Set(['a2', 'b2']));
    expect(host.nginx.pid()).toBe(pid);
    expect(await host.rolling('verify')).toMatchObject({ code: 0 });
  });

  test('a bad release is taken back, a switch and a rollback work the same, and nobody notices', async () => {
    const { result, ...noticed } = await underLoad(host.url, use, async () => [
      await host.rolling('deploy', 'exits'),
      await host.rolling('switch', 'r3'),
      await host.rolling('rollback'),
    ]);
    expect(
      result.map(({ code }) => code),
      result.map(({ said }) => said).join('\n'),
    ).toEqual([20, 0, 0]);
    expect(noticed).toMatchObject({ ...nothing, moves: each(2) });
    expect(await host.routed()).toEqual(['a.r2', 'b.r2']);
  });

  test('an instance that is killed is passed by', async () => {
    await host.driver('kill', 'a.r2');
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => fetch(`${host.url}/version`)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await host.rolling('boot')).toMatchObject({ code: 0 });
  });

  test('what it cannot do is said', async () => {
    expect(await host.rolling('canary', 'r1')).toMatchObject({
      code: 2,
      said: expect.stringContaining('no canary, no drain'),
    });
    expect(await host.rolling('stage', 'r1')).toMatchObject({
      code: 2,
      said: 'With ROUTING=flags nginx has no staging route: no stage.',
    });
  });
});
