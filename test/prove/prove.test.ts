import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { repository } from '../deploy/shared-host.ts';
import { makePrivateFolder } from '../support/services/private-folder.ts';
import { builtFile } from '../support/services/shared-services.ts';
import { editedDeploy, editedServer } from './edited-copy.ts';
import {
  and,
  eachMovesOnce,
  everyoneWaits,
  fails,
  failsOnly,
  hardlyAnyFails,
  nobodyWaits,
  onlySeen,
  onlyWhatWasUnderWayFails,
  someWait,
} from './expectations.ts';
import { guardPlans } from './guard-rows.ts';
import type { Tally } from './load.ts';
import { canarySettings, rowSettings } from './own-bench.ts';
import { ownRows } from './own-rows.ts';
import { asPage } from './page.ts';
import { prove, settingsOf } from './prove-run.ts';
import { asMarkdown, isKept, type ProofReport } from './report.ts';
import { rowsAsMarkdown, rowsInShort } from './rows-page.ts';
import { isAsExpected, type Row, type RowNoticed } from './rows.ts';
import { allRows, runRows } from './run-rows.ts';
import { isWhole } from './stored-commands.ts';
import type { Noticed } from './under-load.ts';

const tally = (bad: Iterable<[string, number]> = []): Tally => ({
  sent: 10,
  good: 10,
  bad: new Map(bad),
  durationsMs: [1],
});
const kept: ProofReport = {
  seconds: 1,
  deploys: [{ op: 'deploy', seconds: 1, exitCode: 0, moves: [1, 1] }],
  tallies: {
    'get-new': tally(),
    'get-kept': tally(),
    'get-slow': tally(),
    post: tally(),
    upgrade: tally(),
  },
  sessionCount: 2,
  commandCount: 20,
  differingCount: 0,
  gapsMs: [],
};

const noticed: Noticed = {
  failed: {},
  requestCount: 10,
  commandCount: 10,
  differingCount: 0,
  gapsMs: [],
  moves: [1, 1],
  peak: 2,
  tallies: kept.tallies,
  perS: { 'get-new': 1, 'get-kept': 1, 'get-slow': 1, post: 1, upgrade: 1 },
};

test('the page says with which settings it was made', async () => {
  const page = await asPage({
    command: 'npm run prove:deploy',
    report: kept,
    results: [],
    seconds: 60,
    day: '2026-11-29',
    settings: {
      deploys: settingsOf({ holdS: 3 }),
      rows: rowSettings,
      canaries: canarySettings,
    },
    use: { sessions: 40, commandsPerS: 80, requestsPerS: 30 },
  });
  expect(page).toMatch(/`HEALTHY_S=3 SOAK_S=3 .*SLOWER_BY_MS=2000` for the deploys/);
  expect(page).toMatch(/`HEALTHY_S=1 SOAK_S=1 SLOWER_BY_MS=3000 .*` for a row/);
  expect(page).toMatch(/HOLD_S=60` for a canary/);
});

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
    commandsFile: await builtFile('server/sessions'),
    deployCount: 2,
    sessionCount: 10,
    commandsPerS: 20,
    requestsPerS: 8,
    holdS: 1,
    say: () => {},
  });
  expect(isKept(report), asMarkdown(report)).toBe(true);
});

test('kill -9 loses nothing, and what a guard prevents is seen without it', async () => {
  const rows = allRows.filter(({ id }) => ['kill', 'no-retry', 'no-drain'].includes(id));
  const results = await runRows(
    rows,
    {
      repository,
      verdictFile: await builtFile('deploy/verdict'),
      serverFile: await builtFile('server/main'),
      commandsFile: await builtFile('server/sessions'),
      use: { sessions: 10, commandsPerS: 20, requestsPerS: 20 },
    },
    () => {},
  );
  expect(results).toHaveLength(3);
  expect(
    results.filter((result) => !isAsExpected(result)),
    rowsAsMarkdown(results),
  ).toEqual([]);
});

test('a row that is about time has nothing beside it', async () => {
  let running = 0;
  const beside: Record<string, number> = {};
  const row = (id: string, more: Partial<Row> = {}): Row => ({
    group: 'ours',
    id,
    what: 'Done',
    because: 'Shown.',
    expects: someWait,
    run: async () => {
      running++;
      await turn();
      beside[id] = running - 1;
      await turn();
      running--;
      return 'not here';
    },
    ...more,
  });
  const results = await runRows(
    [row('one'), row('timed', { isAlone: true }), row('other')],
    {
      repository,
      verdictFile: '',
      serverFile: '',
      commandsFile: '',
      use: { sessions: 1, commandsPerS: 1, requestsPerS: 1 },
    },
    () => {},
  );
  expect(beside).toEqual({ timed: 0, one: 1, other: 1 });
  expect(results.map(({ row: { id } }) => id)).toEqual(['one', 'timed', 'other']);
});

test('each row is kept as soon as it is there, and one that breaks costs no other', async () => {
  const row = (id: string, run: Row['run']): Row => ({
    group: 'ours',
    id,
    what: 'done',
    because: 'shown',
    expects: onlySeen('a test'),
    run,
  });
  const kept: string[][] = [];
  let isWriting = false;
  let release = (): void => {};
  const last = new Promise<void>((resolve) => {
    release = resolve;
  });
  const results = await runRows(
    [
      row('waits', () => last.then(() => 'not here')),
      row('breaks', () => Promise.reject(new Error('no port'))),
      row('is-done', () => Promise.resolve('not here')),
    ],
    {
      repository,
      verdictFile: '',
      serverFile: '',
      commandsFile: '',
      use: { sessions: 1, commandsPerS: 1, requestsPerS: 1 },
    },
    () => {},
    async (soFar) => {
      // Two at once would write over each other.
      expect(isWriting).toBe(false);
      isWriting = true;
      kept.push(soFar.map(({ row: { id } }) => id));
      if (kept.length === 2) release();
      await turn();
      isWriting = false;
    },
  );
  expect(kept.map((ids) => ids.length)).toEqual([1, 2, 3]);
  expect(kept.at(-1)).toEqual(['waits', 'breaks', 'is-done']);
  expect(results.map(isAsExpected)).toEqual([true, false, true]);
});

test('a row in which something is lost, or a guard is not missed, is not as expected', () => {
  const expected = (expects: Row['expects'], outcome: RowNoticed): boolean =>
    isAsExpected({
      row: { group: 'ours', id: 'row', what: 'done', because: 'shown', expects },
      outcome,
    });
  const failing = { ...noticed, failed: { '502 of get-new': 1 } };
  const posts = { ...noticed, failed: { '503 of post': 1 } };
  const waiting = { ...noticed, gapsMs: [1] };
  expect(expected(eachMovesOnce, noticed)).toBe(true);
  expect(expected(fails('GETs', /^502 of get/), failing)).toBe(true);
  expect(expected(failsOnly('POSTs', / of post$/), posts)).toBe(true);
  const cut = (count: number) => ({
    ...noticed,
    failed: { '502 of post': 1, 'ECONNRESET of post': count, 'closed 1006 of upgrade': 1 },
  });
  expect(expected(onlyWhatWasUnderWayFails, cut(2))).toBe(true);
  expect(expected(everyoneWaits, { ...noticed, gapsMs: [1, 2] })).toBe(true);
  expect(expected(hardlyAnyFails, { ...failing, requestCount: 201 })).toBe(true);
  expect([
    expected(onlySeen('a test'), { ...noticed, differingCount: 1 }),
    expected(eachMovesOnce, failing),
    expected(eachMovesOnce, waiting),
    expected(eachMovesOnce, { ...noticed, moves: [1, 2] }),
    expected(eachMovesOnce, { ...noticed, exitCode: 30 }),
    expected(fails('GETs', /^502 of get/), posts),
    expected(failsOnly('POSTs', / of post$/), noticed),
    expected(failsOnly('POSTs', / of post$/), {
      ...noticed,
      failed: { ...posts.failed, ...failing.failed },
    }),
    expected(hardlyAnyFails, { ...failing, requestCount: 200 }),
    expected(someWait, noticed),
    expected(everyoneWaits, waiting),
    expected(and(someWait, fails('GETs', /^502 of get/)), waiting),
    expected(onlyWhatWasUnderWayFails, failing),
    expected(onlyWhatWasUnderWayFails, posts),
    expected(onlyWhatWasUnderWayFails, cut(3)),
    expected(nobodyWaits, waiting),
  ]).not.toContain(true);
});

test('two deploys at once, one of which is sent away, show nothing of what a lock prevents', () => {
  const row = guardPlans.find(({ id }) => id === 'no-lock');
  if (row === undefined) throw new Error('There is such a row.');
  const harms = (outcome: Partial<RowNoticed>): boolean =>
    isAsExpected({ row, outcome: { ...noticed, exitCodes: [0, 1], ...outcome } });
  expect(harms({ exitCodes: [0, 0] })).toBe(true);
  expect(harms({ isMixed: true })).toBe(true);
  expect(harms({ gapsMs: [1] })).toBe(true);
  expect(harms({ failed: { '502 of post': 1 } })).toBe(true);
  expect(harms({ exitCodes: [0, 32] })).toBe(true);
  const said = 'The journal cannot be written to /run: the disk may be full.';
  expect(harms({ exitCodes: [0, 10], said })).toBe(true);
  expect([
    harms({}),
    harms({ exitCodes: [0, 10], said: 'The preflight failed; nothing was changed.' }),
    harms({ exitCodes: [0, 75], moves: [2, 2], isMixed: true }),
    harms({ exitCodes: [70, 0], gapsMs: [1] }),
  ]).not.toContain(true);
});

test('a release that errs and of which no failure was seen is not as expected', () => {
  const row = ownRows.find(({ id }) => id === 'slo');
  if (row === undefined) throw new Error('There is such a row.');
  const outcome = { ...noticed, exitCode: 30 };
  expect(isAsExpected({ row, outcome })).toBe(false);
  const failed = { '500 of get-new': 1 };
  expect(isAsExpected({ row, outcome: { ...outcome, failed } })).toBe(true);
});

test('the page says of each row what must come of it, and first of all whether it did', () => {
  const row = { group: 'ours', id: 'one', what: 'Done', because: 'Shown.' } as const;
  const good = { row: { ...row, expects: eachMovesOnce }, outcome: noticed };
  const bad = { row: { ...row, id: 'other', expects: someWait }, outcome: noticed };
  const absent = { row: { ...row, id: 'third', expects: someWait }, outcome: 'no Caddy' };
  expect(rowsInShort([good, good])).toBe('All 2 rows came out as they must.');
  expect(rowsInShort([good, bad, absent])).toBe(
    '3 rows, not as they must: other. Not run here: third.',
  );
  const page = rowsAsMarkdown([good, bad, absent]);
  expect(page).toContain('**0 of 4 sessions lost, doubled or swapped a command**, of 20 commands');
  expect(page).toContain(
    '| one | Done. *Shown.* | nothing fails, nobody is without a connection, everybody moves once | 0 of 10 (95 %: below 1 in 3) | 1.00 (2 moves of 2 clients, 1 the most), at most 2 in 0.1 s | never |',
  );
  expect(page).toMatch(/\| other \| \*\*NOT AS IT MUST BE\.\*\*/);
  expect(page).toMatch(/\| third .* not run: no Caddy/);
});

test('each guard that is taken away by an edit stands once in what is shipped', async () => {
  const folder = await makePrivateFolder('edits');
  const serverFile = await builtFile('server/main');
  const edits = guardPlans.map(({ without = {} }) => without);
  try {
    for (const [index, { editServer, editDeploy }] of edits.entries()) {
      const into = join(folder.path, String(index));
      await mkdir(into);
      if (editServer) await editedServer(serverFile, editServer, into, repository);
      if (editDeploy) await editedDeploy(repository, editDeploy, into);
    }
    const gone = { from: 'is not in there', to: '' };
    await expect(editedDeploy(repository, gone, folder.path)).rejects.toThrow('stands 0 times');
  } finally {
    await folder.remove();
  }
});

test('a command that Postgres lacks, has twice, or has out of order is found', () => {
  const entry = (offset: number, atMs: number): string =>
    JSON.stringify({ offset, writer: 0, seq: offset - 1, at_ms: atMs, events: [] });
  const joined = JSON.stringify({ offset: 1, joined: { client_id: 'me', incarnation: 'i' } });
  const isThere = (times: readonly number[], given = [10, 20]): boolean => {
    const entries = [joined, ...times.map((atMs, index) => entry(index + 2, atMs))].join(',');
    const first = { prev: -1, head: 0, entries: '', writtenAtMs: 0 };
    const rows = [first, { prev: 0, head: times.length + 1, entries, writtenAtMs: 0 }];
    return isWhole(rows, { sessionId: 's', clientId: 'me', times: given });
  };
  expect(isThere([10, 20])).toBe(true);
  expect([
    isThere([10]),
    isThere([10, 10]),
    isThere([10, 10, 20]),
    isThere([20, 10]),
    isThere([10, 20, 30]),
  ]).not.toContain(true);
});
