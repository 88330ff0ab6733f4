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
    const statuses = new Set<string>();
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
});
