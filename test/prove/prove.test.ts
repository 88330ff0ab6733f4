import { expect, test } from 'vitest';

import { repository } from '../deploy/shared-host.ts';
import { builtFile } from '../support/services/shared-services.ts';
import type { Tally } from './load.ts';
import { prove } from './prove-run.ts';
import { asMarkdown, isKept, type ProofReport } from './report.ts';
import { failedCount, rowsAsMarkdown } from './rows.ts';
import { allRows, runRows } from './run-rows.ts';

const tally = (bad: Iterable<[string, number]> = []): Tally => ({
  sent: 10,
  good: 10,
  bad: new Map(bad),
  durationsMs: [1],
});
const kept: ProofReport = {
  release: 'r1',
  machine: 'here',
  seconds: 1,
  deploys: [{ op: 'deploy', seconds: 1, exitCode: 0, moves: [1, 1] }],
  tallies: { 'get-new': tally(), 'get-kept': tally(), post: tally(), upgrade: tally() },
  sessionCount: 2,
  commandCount: 20,
  differingCount: 0,
  gapsMs: [],
};

test('anything a user would notice breaks the proof', () => {
  expect(isKept(kept)).toBe(true);
  const [deploy] = kept.deploys;
  if (deploy === undefined) throw new Error('There is a deploy.');
  const broken: ProofReport[] = [
    { ...kept, gapsMs: [1] },
    { ...kept, differingCount: 1 },
    { ...kept, tallies: { ...kept.tallies, post: tally([['502', 1]]) } },
    { ...kept, tallies: { ...kept.tallies, post: { ...tally(), sent: 0 } } },
    { ...kept, deploys: [{ ...deploy, moves: [1, 2] }] },
    { ...kept, deploys: [{ ...deploy, moves: [1, 0] }] },
    { ...kept, deploys: [{ ...deploy, exitCode: 30 }] },
  ];
  expect(broken.filter(isKept)).toEqual([]);
});

test('two deploys under load: nobody notices', async () => {
  const report = await prove({
    repository,
    verdictFile: await builtFile('deploy/verdict'),
    serverFile: await builtFile('server/main'),
    deployCount: 2,
    sessionCount: 10,
    commandsPerS: 20,
    requestsPerS: 8,
    holdS: 1,
    say: () => {},
  });
  expect(isKept(report), asMarkdown(report)).toBe(true);
});

test('what is taken away, and what others do, is noticed', async () => {
  const rows = allRows.filter(({ id }) => ['no-retry', 'wattlog'].includes(id));
  const results = await runRows(
    rows,
    {
      repository,
      verdictFile: await builtFile('deploy/verdict'),
      serverFile: await builtFile('server/main'),
      use: { sessions: 10, commandsPerS: 20, requestsPerS: 20 },
    },
    () => {},
  );
  const [killed, printed] = results.map(({ outcome }) => {
    if (typeof outcome === 'string') throw new Error(outcome);
    return outcome;
  });
  for (const report of [killed, printed])
    expect(report === undefined ? 0 : failedCount(report)).toBeGreaterThan(0);
  // Even so nothing is lost.
  expect([killed?.differingCount, printed?.differingCount]).toEqual([0, 0]);
  expect(rowsAsMarkdown(results)).toContain('Wattlog');
});
