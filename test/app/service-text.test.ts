import { describe, expect, test } from 'vitest';

import {
  readServiceReport,
  type DeployNote,
  type InstanceReport,
  type ServiceReport,
} from '../../client/app/operator/service-report.ts';
import {
  deploySentence,
  lasting,
  summaryOf,
  troublesOf,
} from '../../client/app/operator/service-text.ts';

const well: InstanceReport = {
  place: 'web:a',
  release: 'r1',
  isHere: true,
  phase: 'ready',
  silentMs: 4_000,
  upMs: 60_000,
  sessions: 1_200,
  connections: 1,
  unsavedSessions: 3,
  checkpointLagMs: 4_000,
  loopDelayMs: 2,
  residentBytes: 1e8,
  postgres: 'up',
  redis: 'up',
};

const reportOf = (
  instances: InstanceReport[],
  more: Partial<ServiceReport> = {},
): ServiceReport => ({
  nowMs: 0,
  instances,
  deploys: [],
  backupAgeMs: 3_600_000,
  ...more,
});

const both = [well, { ...well, place: 'web:b', isHere: false }];

describe('what operators are told', () => {
  test('nothing is to be looked at while all is well', () => {
    expect(troublesOf(reportOf(both))).toEqual([]);
    expect(summaryOf(reportOf(both))).toBe(
      '2 instances · release r1 · 2,400 sessions · 2 connections',
    );
  });

  test.each<[Partial<InstanceReport>, string]>([
    [{ postgres: 'away' }, 'Postgres does not answer everybody.'],
    [{ redis: 'away' }, 'Redis does not answer everybody; Postgres is the log meanwhile.'],
    [{ checkpointLagMs: 125_000 }, 'What riders do has not been saved for 2 min.'],
    [{ loopDelayMs: 900 }, 'web:c is busy: commands wait 900 ms.'],
    [{ silentMs: 71_000, sessions: 9 }, 'No word from web:c for 1 min.'],
    [{ release: 'r2' }, 'Releases r1 and r2 serve side by side.'],
  ])('one more instance that is %j: %s', (more, sentence) => {
    const report = reportOf([...both, { ...well, place: 'web:c', ...more }]);
    expect(troublesOf(report)).toEqual([sentence]);
  });

  test('one instance alone, and backups that are old or missing', () => {
    expect(troublesOf(reportOf([well]))).toEqual(['One instance serves alone.']);
    expect(troublesOf(reportOf(both, { backupAgeMs: 30 * 3_600_000 }))).toEqual([
      'The latest verified backup is 1 day old.',
    ]);
    expect(troublesOf(reportOf(both, { backupAgeMs: undefined }))).toEqual([
      'There is no verified backup.',
    ]);
  });

  test('whoever is silent is not counted', () => {
    const [one, two] = [well, { ...well, place: 'web:b', release: 'r0', silentMs: 90_000 }];
    expect(summaryOf(reportOf([one, two]))).toBe(
      '1 instance · release r1 · 1,200 sessions · 1 connection',
    );
  });

  test('durations are as long as they are', () => {
    expect(
      [0, 999, 1_000, 59_999, 60_000, 7_200_000, 86_400_000, 200_000_000].map(lasting),
    ).toEqual(['0 ms', '999 ms', '1 s', '59 s', '1 min', '2 h', '1 day', '2 days']);
  });

  test('a deploy is told as it went', () => {
    const note: DeployNote = {
      atMs: 0,
      action: 'deploy',
      release: 'r2',
      from: 'r1',
      by: 'ada',
      why: '',
      moved: '',
      seconds: '',
    };
    const said = (more: Partial<DeployNote>): string => deploySentence({ ...note, ...more }).text;
    expect(said({})).toBe('Release r2 is deployed by ada, in place of r1.');
    expect(said({ action: 'deploy-done', moved: '34', seconds: '41' })).toBe(
      'Release r2 was deployed: 34 connections moved, 41 s.',
    );
    expect(said({ action: 'canary-failed', why: 'it does worse than the one before' })).toBe(
      'Release r2 failed: it does worse than the one before.',
    );
    expect(said({ action: 'deploy-undone' })).toBe('Release r2 was taken back.');
    expect(said({ action: 'rollback-done', moved: '1', seconds: '1' })).toBe(
      'Release r2 was gone back to: 1 connection moved, 1 s.',
    );
    expect(said({ action: 'something-new' })).toBe('something-new by ada');
  });

  test('an answer of another release is read as far as it goes', () => {
    expect(
      readServiceReport({
        now: '2026-11-21T00:00:00Z',
        instances: [{ place: 'x', sessions: '?' }],
        deploys: null,
      }),
    ).toMatchObject({
      instances: [{ place: 'x', sessions: 0, redis: '' }],
      deploys: undefined,
      backupAgeMs: undefined,
    });
  });
});
