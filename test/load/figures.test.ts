import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import type { Measured } from '../../loadtest/load/bench.ts';
import { together, watchLatency } from '../../loadtest/load/latencies.ts';
import { readOptions } from '../../loadtest/load/options.ts';
import type { ScenarioResult } from '../../loadtest/load/result.ts';
import { keep, kept } from '../../loadtest/load/results.ts';
import { faultsOf, medianRatio } from '../../loadtest/load/rounds.ts';

const none = watchLatency().all();

const measured = (serverUs: number, change: Partial<Measured> = {}): Measured => ({
  events: 1_000,
  latencies: { ...none, count: 1_000 },
  overTime: [],
  lateness: none,
  saving: none,
  missing: 0,
  unsaved: 0,
  own: { cores: 0.5, busy: 0.5 },
  cost: { eventsPerS: 100, serverUs, redisUs: 1, postgresUs: 1, generatorUs: 1 },
  ...change,
});

test('a ratio is the median of the ratios of each turn, so that a slow turn of both changes nothing', () => {
  const all = new Map([
    ['durable', [20, 60, 20].map((us) => measured(us))],
    ['set', [10, 30, 10].map((us) => measured(us))],
  ] as const);
  expect(medianRatio(all, 'durable', 'set', ({ cost }) => cost.serverUs)).toBe(2);
});

test('riders that starve make the figures worthless, and so do events that come to nothing', () => {
  const faults = (change: Partial<Measured>): string[] =>
    faultsOf(new Map([['durable', [measured(1, change)]]]), 200);
  expect(faults({})).toEqual([]);
  expect(faults({ own: { cores: 0.97, busy: 0.9 } })[0]).toContain('the riders starved');
  expect(faults({ lateness: { ...none, p99: 100 } })[0]).toContain('the riders starved');
  expect(faults({ missing: 1 })[0]).toContain('never answered');
  expect(faults({ unsaved: 1 })[0]).toContain('not saved');
});

test('of several generators the slowest tail counts', () => {
  const [one, other] = [watchLatency(), watchLatency()];
  one.record(10);
  other.record(30);
  const { count, p50, p99 } = together([one.all(), other.all()]);
  expect(count).toBe(2);
  expect([Math.round(p50), Math.round(p99)]).toEqual([20, 30]);
});

test('what is recorded while a turn settles is an event, and no latency', () => {
  const settling = watchLatency({ settleS: 3_600, isOverTime: true });
  settling.record(500);
  expect(settling.all()).toMatchObject({ count: 1, max: 0 });
  expect(settling.overTime()).toEqual([]);
});

test('a scenario that does not exist, and a number that is none, get one sentence', () => {
  const known = ['ride'];
  expect(() => readOptions(['walk'], known)).toThrow(
    'There is no scenario "walk"; there are ride.',
  );
  expect(() => readOptions(['ride', '--riders', 'many'], known)).toThrow('--riders is a number');
  expect(readOptions(['all', '--missing', '--out', 'x'], known)).toMatchObject({
    scenarios: ['ride'],
    isMissingOnly: true,
  });
});

test('a folder keeps the figures of each scenario, and one page shows them all', async () => {
  const path = await mkdtemp(join(tmpdir(), 'figures-'));
  const result = (name: string, limit: number): ScenarioResult => ({
    name,
    what: 'riders <ride>',
    tables: [{ title: 'Cost', columns: ['subject', 'µs'], rows: [['durable', 1_234]] }],
    charts: [
      { title: 'Growth', x: 'riders', y: 'µs', lines: [{ name: 'durable', points: [[1, 2]] }] },
    ],
    goals: [{ what: 'cost', measured: 2, limit: { atMost: limit }, unit: 'µs' }],
    faults: [],
  });
  try {
    const folder = { path, names: ['one', 'two', 'three'] };
    await keep(folder, ['two', '--out', path], result('two', 1));
    await keep(folder, ['one', '--rounds', '5'], result('one', 3));
    expect((await kept(folder)).map((part) => part.command)).toEqual([
      'npm run load -- one --rounds 5',
      'npm run load -- two',
    ]);
    const page = await readFile(join(path, 'index.html'), 'utf8');
    for (const words of ['1,234', 'riders &lt;ride&gt;', '>met', '>missed', '<svg', 'node v'])
      expect(page.toLowerCase()).toContain(words.toLowerCase());
  } finally {
    await rm(path, { recursive: true });
  }
});
