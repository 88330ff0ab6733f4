import { describe, expect, test } from 'vitest';

import { builtFile } from '../support/services/shared-services.ts';
import { runChaos } from './chaos-run.ts';
import { planStorm } from './fault-plan.ts';

const silent = { write: () => true };

describe('chaos', () => {
  // Seeds whose first fault is a kill of a device, and in which one that nothing else befalls is frozen.
  test.each([
    { withRedis: true, seed: 14_684, withLongOutages: true },
    { withRedis: false, seed: 4_441, withLongOutages: false },
  ])(
    '[R6] [R8] [R11] [O1] twelve seconds of faults, %o: every command arrives once, in order, and everything heals',
    async ({ withRedis, seed, withLongOutages }) => {
      const { report, story } = await runChaos(
        {
          seed,
          durationMs: 12_000,
          riderCount: 3,
          withRedis,
          withLongOutages,
          serverFile: await builtFile('server/main'),
          deviceFile: await builtFile('chaos/device'),
          screen: silent,
        },
        new AbortController().signal,
      );
      expect(report.findings, story.join('\n')).toEqual([]);
      const { sent, accepted, checkpointed, ...wrong } = report.commands;
      expect(wrong).toEqual({ lost: 0, doubled: 0, reordered: 0 });
      expect([accepted, checkpointed]).toEqual([sent, sent]);
      expect(sent).toBeGreaterThan(100);
      expect(report.reconnects).toBeGreaterThan(0);
      expect(report.checkpointsVerified).toBeGreaterThan(0);
      expect(report.devicesKilled).toBeGreaterThan(0);
      expect(report.faults).toMatchObject({
        'device killed': expect.any(Number),
        'device frozen': expect.any(Number),
      });
      const away = new Set(Object.keys(report.awayMs).map((name) => name.split(' ')[0]));
      expect(away).toEqual(new Set(withLongOutages ? ['device', 'postgres', 'redis'] : []));
    },
  );

  test('a seed gives the same faults again, and another seed others', () => {
    const options = { lengthMs: 20_000, withRedis: true };
    expect(planStorm(7, 2, options)).toEqual(planStorm(7, 2, options));
    expect(planStorm(7, 2, options)).not.toEqual(planStorm(8, 2, options));
    expect(planStorm(7, 2, options)).not.toEqual(planStorm(7, 3, options));
  });

  test('without Redis nothing is done to it', () => {
    const kinds = [1, 2, 3].flatMap((number) =>
      planStorm(1, number, { lengthMs: 60_000, withRedis: false }).map(({ kind }) => kind),
    );
    expect(kinds.length).toBeGreaterThan(50);
    expect(kinds.filter((kind) => kind.startsWith('redis'))).toEqual([]);
  });
});
