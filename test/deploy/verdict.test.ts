import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, onTestFinished, test } from 'vitest';

import { appendAudit, firstBrokenLine } from '../../deploy/verdict/audit-log.ts';
import { instancesMore, missingMemory, type Growth } from '../../deploy/verdict/preflight.ts';
import { firstWatch, look, type Readiness, type Sight } from '../../deploy/verdict/readiness.ts';
import { instanceAt, point } from '../../deploy/verdict/routes.ts';
import {
  accident,
  judge,
  judgeGreetings,
  judgeLoop,
  parseRequest,
  tally,
  type Tally,
} from '../../deploy/verdict/slo.ts';

describe('readiness', () => {
  const limits = { release: 'r2', healthyMs: 10_000, deadlineMs: 60_000 };
  const ready: Sight = {
    life: '7/0',
    ready: { code: 200, status: 'ready', phase: 'ready' },
    release: 'r2',
  };
  const warming: Sight = { ...ready, ready: { code: 503, status: 'not-ready', phase: 'starting' } };
  const silent: Sight = { life: '7/0', ready: undefined, release: undefined };
  /** What is decided after looks at these seconds. */
  const after = (...looks: readonly (readonly [atS: number, sight: Sight])[]): Readiness => {
    let watch = firstWatch(0);
    let found: Readiness | undefined;
    for (const [atS, sight] of looks) {
      found = look(watch, sight, atS * 1_000, limits);
      if (found.kind !== 'waiting') return found;
      ({ watch } = found);
    }
    if (found === undefined) throw new Error('Nobody looked.');
    return found;
  };

  test('it must be ready for the whole healthy time', () => {
    expect(after([0, silent], [5, ready], [14.9, ready])).toMatchObject({ kind: 'waiting' });
    expect(after([0, silent], [5, ready], [15, ready])).toEqual({ kind: 'ready', afterMs: 15_000 });
  });

  test('one miss begins the healthy time anew', () => {
    expect(after([0, ready], [9, warming], [10, ready], [19, ready])).toMatchObject({
      kind: 'waiting',
    });
    expect(after([0, ready], [9, warming], [10, ready], [20, ready])).toMatchObject({
      kind: 'ready',
    });
  });

  test('a process that ended, or was started again, fails at once', () => {
    expect(after([0, ready], [1, { ...ready, life: undefined }])).toMatchObject({ kind: 'died' });
    expect(after([0, ready], [1, { ...ready, life: '8/1' }])).toMatchObject({ kind: 'died' });
  });

  test('at the deadline it is said what is missing', () => {
    expect(after([60, silent])).toEqual({ kind: 'failed', why: 'it does not answer after 60 s' });
    expect(after([60, warming])).toEqual({
      kind: 'failed',
      why: 'it is not ready (starting) after 60 s',
    });
  });

  test('a healthy time that began before the deadline may end after it, a flapping one may not', () => {
    expect(after([59, ready], [69, ready])).toMatchObject({ kind: 'ready' });
    expect(after([59, ready], [59.5, warming], [59.9, ready], [69.8, ready])).toMatchObject({
      kind: 'waiting',
    });
    expect(after([59, ready], [65, ready], [66, warming])).toMatchObject({ kind: 'failed' });
  });

  test('an instance of another release, or without its stores, does not count', () => {
    expect(after([1, { ...ready, release: 'r1' }])).toMatchObject({ kind: 'failed' });
    const degraded = { ...ready, ready: { code: 200, status: 'degraded', phase: 'ready' } };
    expect(after([0, degraded], [30, degraded])).toMatchObject({ kind: 'waiting' });
  });
});

describe('the judgement of a release', () => {
  const limits = {
    samplesMin: 500,
    greetingsMin: 5,
    errorRateMax: 0.005,
    slowerByMsMax: 50,
    lateMsMax: 200,
  };
  const of = (requests: number, errors: number, p95Ms?: number): Tally => ({
    requests,
    errors,
    p95Ms,
  });

  test('errors that can be an accident are none of its own', () => {
    expect(judge(of(1_000, 6), of(1_000, 2), limits)).toEqual({ kind: 'kept' });
    expect(judge(of(30, 1), of(1_000, 0), limits)).toEqual({ kind: 'too-few' });
  });

  test('2 % of errors beside none break it, with however few requests that is certain', () => {
    expect(judge(of(500, 10), of(500, 0), limits)).toMatchObject({ kind: 'broken' });
    expect(judge(of(10, 8), of(500, 0), limits)).toMatchObject({ kind: 'broken' });
  });

  test('a release is not held to more than the one before keeps', () => {
    expect(judge(of(1_000, 40), of(1_000, 30), limits)).toEqual({ kind: 'kept' });
    // No accident, and yet not twice as many.
    expect(judge(of(10_000, 1_500), of(10_000, 1_000), limits)).toEqual({ kind: 'kept' });
    expect(judge(of(10_000, 2_100), of(10_000, 1_000), limits)).toMatchObject({ kind: 'broken' });
  });

  test('without anything beside it, it is held against no errors at all', () => {
    expect(judge(of(1_000, 20), of(0, 0), limits)).toMatchObject({ kind: 'broken' });
    expect(judge(of(1_000, 3), of(0, 0), limits)).toEqual({ kind: 'kept' });
  });

  test('half as slow again and 50 ms more is too slow', () => {
    expect(judge(of(1_000, 0, 200), of(1_000, 0, 100), limits)).toEqual({ kind: 'kept' });
    expect(judge(of(1_000, 0, 201), of(1_000, 0, 100), limits)).toMatchObject({ kind: 'broken' });
  });

  const greeted = (welcomed: number, unwelcomed: number) => ({ welcomed, unwelcomed });

  test('who is not welcomed counts like a request that failed', () => {
    expect(judgeGreetings(greeted(0, 5), greeted(0, 0), limits)).toEqual({
      kind: 'broken',
      why: '5 of 5 connections to it were not welcomed, beside 0 of 0',
    });
    expect(judgeGreetings(greeted(0, 4), greeted(0, 0), limits)).toEqual({ kind: 'kept' });
    expect(judgeGreetings(greeted(100, 1), greeted(100, 0), limits)).toEqual({ kind: 'kept' });
    // A store is away for both of them, or clients come with what nobody welcomes.
    expect(judgeGreetings(greeted(0, 50), greeted(0, 50), limits)).toEqual({ kind: 'kept' });
    expect(judgeGreetings(greeted(10, 40), greeted(40, 10), limits)).toMatchObject({
      kind: 'broken',
    });
  });

  test('an event loop that is late counts when those beside it are in time', () => {
    expect(judgeLoop(200, 0, limits)).toEqual({ kind: 'kept' });
    expect(judgeLoop(201, 100, limits)).toMatchObject({ kind: 'broken' });
    // The machine is busy.
    expect(judgeLoop(2_000, 1_000, limits)).toEqual({ kind: 'kept' });
  });

  // Lady tasting tea: all four right of eight by chance, and three or more.
  test('the probability of an accident is Fisher’s', () => {
    expect(accident(of(4, 4), of(4, 0))).toBeCloseTo(1 / 70, 9);
    expect(accident(of(4, 3), of(4, 1))).toBeCloseTo(17 / 70, 9);
    expect(accident(of(1_000, 0), of(1_000, 5))).toBeCloseTo(1, 6);
  });

  test('a line of the access log is read; an upgrade counts as error only when it failed', () => {
    const line = (status: number, kind: string) =>
      `1795276800.123 v07 ${status} 1.500 GET ${kind} [${status}]`;
    expect(parseRequest(line(200, 'close'))).toEqual({
      atMs: 1_795_276_800_123,
      route: 'v07',
      status: 200,
      durationMs: 1_500,
      isUpgrade: false,
    });
    expect(parseRequest('GET / HTTP/1.1')).toBeUndefined();
    const requests = [
      line(101, 'upgrade'),
      line(502, 'upgrade'),
      line(404, 'close'),
      line(500, 'close'),
    ];
    const parsed = requests
      .map((text) => parseRequest(text))
      .filter((request) => request !== undefined);
    // A socket that was open for hours is no slow request, and a client's mistake no error of ours.
    expect(tally(parsed)).toEqual({ requests: 4, errors: 2, p95Ms: undefined });
  });
});

describe('memory for what begins', () => {
  const deploy: Growth = { op: 'deploy', isStopFirst: false, isFirst: false };
  const megabyte = 2 ** 20;

  test('a deploy runs one more at a time, or none; a switch and a canary run two more', () => {
    expect(instancesMore(deploy)).toBe(1);
    expect(instancesMore({ ...deploy, isStopFirst: true })).toBe(0);
    expect(instancesMore({ ...deploy, op: 'stage' })).toBe(1);
    for (const op of ['switch', 'canary'] as const)
      expect(instancesMore({ ...deploy, op, isStopFirst: true })).toBe(2);
  });

  test('where nothing runs yet there will be two, and there is nothing to stop first', () => {
    expect(instancesMore({ ...deploy, isFirst: true, isStopFirst: true })).toBe(2);
  });

  test('what is enough for one is too little for two, and that is said', () => {
    const [free, each] = [200 * megabyte, 130 * megabyte];
    expect(missingMemory(free, each, 1)).toBeUndefined();
    expect(missingMemory(free, each, 2)).toBe(
      'Only 200 MB of memory are free, and 2 more instances need 338 MB: free some, or deploy with --strategy stop-first.',
    );
    expect(missingMemory(0, each, 0)).toBeUndefined();
    // Where the system does not say how much is free, nobody is stopped.
    expect(missingMemory(Number.NaN, each, 1)).toBeUndefined();
  });
});

test('a route is led elsewhere, though somebody was killed in the middle of it before', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'trackstand-links-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await point(folder, 'v00', 'a.r1');
  expect(await instanceAt(folder, 'v00')).toBe('a.r1');
  await symlink('c.r0.sock', join(folder, '.v00.next'));
  await point(folder, 'v00', 'b.r2');
  expect(await instanceAt(folder, 'v00')).toBe('b.r2');
  await point(folder, 'v00', 'b.r2');
  expect(await readdir(folder)).toEqual(['v00.sock']);
});

describe('the audit log', () => {
  test('instances, which are others than who deploys, may read it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'trackstand-audit-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, 'audit.jsonl');
    await appendAudit(file, { action: 'deploy' });
    expect((await stat(file)).mode & 0o777).toBe(0o644);
  });

  test('each line holds the hash of the one before, so a change of the past is found', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'trackstand-audit-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, 'audit.jsonl');
    expect(await firstBrokenLine(file)).toBeUndefined();
    for (const action of ['deploy', 'deploy-done', 'rollback']) await appendAudit(file, { action });
    expect(await firstBrokenLine(file)).toBeUndefined();
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('deploy-done', 'deploy-undone'));
    expect(await firstBrokenLine(file)).toBe(3);
    await writeFile(file, text.split('\n').slice(1).join('\n'));
    expect(await firstBrokenLine(file)).toBe(1);
  });
});
