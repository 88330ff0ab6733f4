import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { DeployHost } from '../support/deploy-host.ts';
import { startRider, type Rider } from '../support/rider.ts';
import { isSaved } from '../support/watching.ts';
import { startSharedHost } from './shared-host.ts';

const sample = (powerW: number) => ({ type: 'sample', data: { powerW } }) as const;

describe('rolling.sh over plain processes', () => {
  let host: DeployHost;
  let riders: Rider[];
  let moves: number[];
  const statuses = new Set<string>();
  beforeAll(async () => {
    host = await startSharedHost();
    for (const name of ['r1', 'r2', 'r3']) await host.release(name);
  });
  afterAll(() => host.stop());

  const allSaved = async (): Promise<void> => {
    for (const rider of riders) rider.give(sample(200));
    await Promise.all(riders.map((rider) => rider.when(isSaved)));
    for (const { session, expected } of riders) expect(session.view().state).toEqual(expected());
  };
  const movesSince = (): number[] => {
    const seen = moves;
    moves = riders.map(() => 0);
    return seen;
  };

  test('the first deploy on an empty machine starts both slots', async () => {
    const { code, said } = await host.rolling('deploy', 'r1');
    expect(code, said).toBe(0);
    expect(await host.routed()).toEqual(['a.r1', 'b.r1']);
    expect(said).toMatch(/Release r1 serves: 0 connections moved/);
  });

  test('a deploy moves every rider once, without a gap, and nothing is lost', async () => {
    riders = await Promise.all(Array.from({ length: 20 }, () => startRider(host.url)));
    moves = riders.map(() => 0);
    riders.forEach(({ session }, index) => {
      let before = '';
      session.subscribe(({ status }) => {
        if (status === 'moving' && before !== status) moves[index] = (moves[index] ?? 0) + 1;
        before = status;
        statuses.add(status);
      });
    });
    for (const rider of riders) rider.give({ type: 'start', data: {} });
    await allSaved();
    statuses.clear();
    const { code, said } = await host.rolling('deploy', 'r2');
    expect(code, said).toBe(0);
    expect(said).toMatch(/Release r2 serves: 20 connections moved/);
    expect(await host.routed()).toEqual(['a.r2', 'b.r2']);
    await allSaved();
    expect(movesSince()).toEqual(riders.map(() => 1));
    expect(statuses).toEqual(new Set(['connected', 'moving']));
  });

  test('a rollback brings the former release back', async () => {
    const { code, said } = await host.rolling('rollback');
    expect(code, said).toBe(0);
    expect(await host.routed()).toEqual(['a.r1', 'b.r1']);
    await allSaved();
    expect(movesSince()).toEqual(riders.map(() => 1));
  });

  test('a plan changes nothing and says what would be done', async () => {
    const before = await host.routed();
    const { code, said } = await host.rolling('deploy', 'r3', '--dry-run');
    expect(code, said).toBe(0);
    expect(said).toMatch(/slot a: start a\.r3.*10 routes from a\.r1/);
    const back = await host.rolling('rollback', '--dry-run');
    expect(back.code, back.said).toBe(0);
    expect(back.said).toMatch(/start a\.r2 and b\.r2 where they are not warm/);
    expect(await host.routed()).toEqual(before);
  });

  test('what has no plan is not done when one is asked for', async () => {
    const before = await host.audit();
    for (const words of [
      ['stage', 'r3'],
      ['drain', 'a'],
      ['preflight', 'r3'],
      ['resume'],
      ['abort'],
      ['boot'],
      ['prune'],
      ['unlock', '--force'],
    ])
      expect(await host.rolling(...words, '--dry-run')).toEqual({
        code: 2,
        said: expect.stringMatching(
          new RegExp(`^There is no plan of rolling\\.sh ${words[0]}, and nothing was done: .*\\.$`),
        ) as unknown,
        stdout: '',
      });
    expect(await host.audit()).toEqual(before);
    expect(await host.routed()).toEqual(['a.r1', 'b.r1']);
  });

  test('a staged release is reached by the staging key alone, and taken away again', async () => {
    await writeFile(
      join(host.nginx.configFolder, 'trackstand.d/stage-key.key'),
      '"candidate-of-ours" candidate;\n',
    );
    await host.nginx.kill();
    await host.nginx.start();
    await allSaved();
    const served = async (key: string): Promise<string> => {
      const answer = await fetch(`${host.url}/version`, { headers: { 'x-deploy-slot': key } });
      return ((await answer.json()) as { release: string }).release;
    };
    const staged = await host.rolling('stage', 'r3');
    expect(staged.code, staged.said).toBe(0);
    expect(await served('candidate-of-ours')).toBe('r3');
    expect([await served('candidate-of-others'), await served('')]).toEqual(['r1', 'r1']);
    expect(await host.routed()).toEqual(['a.r1', 'b.r1']);
    expect(await host.rolling('stage', '--undo')).toMatchObject({ code: 0 });
    expect((await host.driver('alive', 'a.r3')).code).toBe(1);
    expect(await host.rolling('stage', 'r3')).toMatchObject({ code: 0 });
    // The restart of the proxy moved them by a reconnect.
    movesSince();
    statuses.clear();
  });

  test('a switch moves all routes at once and keeps the former release warm; rolling back needs no start', async () => {
    const staged = (await host.driver('alive', 'a.r3')).stdout;
    const { code, said } = await host.rolling('switch', 'r3');
    expect(code, said).toBe(0);
    expect(await host.routed()).toEqual(['a.r3', 'b.r3']);
    // What was staged is what serves.
    expect((await host.driver('alive', 'a.r3')).stdout).toBe(staged);
    const processes = (): Promise<string[]> =>
      Promise.all(['a.r1', 'b.r1'].map(async (name) => (await host.driver('alive', name)).stdout));
    const warm = await processes();
    for (const process of warm) expect(process).toMatch(/^\d+\/0$/);
    const back = await host.rolling('rollback');
    expect(back.code, back.said).toBe(0);
    expect(await host.routed()).toEqual(['a.r1', 'b.r1']);
    expect(await processes()).toEqual(warm);
    // How long it took is for people to read: on a machine at rest, less than a second.
    expect(back.said).toMatch(/Every route leads to r1 after \d+ ms\./);
    expect((await host.audit()).at(-1)).toMatchObject({
      action: 'rollback-done',
      routed_ms: expect.stringMatching(/^\d+$/) as unknown,
    });
    await allSaved();
    expect(movesSince()).toEqual(riders.map(() => 2));
  });

  test('a canary takes the same sessions and more at each step, and becomes a slot when it has proven itself', async () => {
    await host.configure({ SOAK_SAMPLES: 20, HOLD_S: 60 });
    const timer = setInterval(() => void fetch(`${host.url}/version`).catch(() => {}), 10);
    const shares: number[] = [];
    const { code, said } = await host.watched(
      (step) => {
        if (/^canary:\d+$/.test(step)) shares.push(Number(step.slice(7)));
      },
      'canary',
      'r2',
    );
    clearInterval(timer);
    expect(code, said).toBe(0);
    expect(shares).toEqual([5, 25, 50, 100]);
    expect(await host.routed()).toEqual(['c.r2', 'b.r2']);
    await allSaved();
    // Those whose routes became the twin's moved once more.
    expect(Math.max(...movesSince())).toBeLessThanOrEqual(2);
  });

  test('a canary without enough requests is held, and then taken back rather than promoted', async () => {
    await host.configure({ SOAK_SAMPLES: 100_000, HOLD_S: 1 });
    const { code, said } = await host.rolling('canary', 'r3');
    expect(code, said).toBe(14);
    expect(said).toMatch(/r3 was taken back: there were not enough requests/);
    expect(await host.routed()).toEqual(['c.r2', 'b.r2']);
    movesSince();
  });

  test('a slot that is drained has nobody left, and takes its sessions back', async () => {
    const out = await host.rolling('drain', 'a');
    expect(out.code, out.said).toBe(0);
    expect(await host.connectionsOf('c.r2')).toBe(0);
    expect(await host.routed()).toEqual(['b.r2']);
    const back = await host.rolling('drain', 'a', '--undo');
    expect(back.code, back.said).toBe(0);
    expect(await host.routed()).toEqual(['c.r2', 'b.r2']);
    await allSaved();
    expect(statuses).toEqual(new Set(['connected', 'moving']));
  });

  test('what nobody is routed to any more is pruned', async () => {
    const { code, said } = await host.rolling('prune');
    expect(code, said).toBe(0);
    const { stdout } = await host.rolling('status');
    const names = [...stdout.matchAll(/"instance":"([^"]+)"/g)].map(([, name]) => name);
    expect(names).toEqual(['b.r2', 'c.r2']);
    expect(await host.rolling('verify')).toMatchObject({ code: 0 });
  });

  test('of releases that are beyond those to keep only what serves and what can be gone back to stays', async () => {
    await host.release('old');
    await utimes(join(host.folder, 'releases/old'), 1, 1);
    await host.configure({ RETAIN: 1 });
    const { code, said } = await host.rolling('prune');
    expect(code, said).toBe(0);
    expect(said).toContain('Release old was removed.');
    // The newest, the one before, and the one that serves.
    const { stdout } = await host.driver('releases', '-');
    expect(stdout.split('\n').toSorted()).toEqual(['r1', 'r2', 'r3']);
  });
});
