import { describe, expect, test } from 'vitest';

import { recordRide, type KeptCommand } from '../../client/app/export/ride-record.ts';
import { zoneTable } from '../../client/app/profile/zone-table.ts';
import { incidentOf } from '../../client/app/rides/incidents.ts';
import { riddenIntervals } from '../../client/app/rides/intervals.ts';
import { timeline } from '../../client/app/rides/timeline.ts';
import { workout } from '../../shared/workout/workout.ts';

const startMs = 1_800_000_000_000;
const plan = {
  name: 'Three',
  description: '',
  segments: [
    { kind: 'steady', durationS: 10, fraction: 0.5 },
    { kind: 'steady', durationS: 10, fraction: 1, cadenceRpm: 95 },
    { kind: 'free', durationS: 10 },
  ],
} as const;

/** Ten seconds as written, five of the second interval at 110 %, a pause, then skipped to the free end and ridden out. */
function ridden() {
  const commands: KeptCommand[] = [];
  let state = workout.initial({ plan, ftpW: 200 });
  const give = (atS: number, type: string, data: object = {}): void => {
    const atMs = startMs + atS * 1000;
    commands.push([type, data, atMs]);
    const command = workout.parseCommand(type, data);
    if (!command.ok) throw new Error(command.problem);
    const decision = workout.decide(state, command.value, { atMs, clientId: '' });
    if ('refused' in decision) throw new Error(decision.refused);
    for (const event of decision) state = workout.evolve(state, event);
  };
  give(0, 'start');
  const ride = (fromS: number, toS: number, powerW: number): void => {
    for (let second = fromS; second < toS; second += 1)
      give(second, 'sample', { powerW, cadenceRpm: 90, heartRateBpm: 140 });
  };
  ride(0, 10, 100);
  give(10, 'adjust', { intensity: 1.1 });
  ride(10, 15, 210);
  give(15, 'pause', { reason: 'trainer-lost' });
  give(23, 'resume');
  give(23, 'skip');
  ride(23, 28, 150);
  give(28, 'lap');
  give(28, 'finish');
  return { state, commands, record: recordRide(state, commands) };
}

describe('the report of a ride', () => {
  test('holds what was ridden against what was asked for at that moment, interval by interval', () => {
    const { record } = ridden();
    if (record === null) throw new Error('There is no record.');
    expect(record.isWhole).toBe(true);
    expect(riddenIntervals(record)).toMatchObject([
      { riddenS: 10, plannedS: 10, targetW: 100, powerW: 100, share: 1, plannedCadenceRpm: null },
      {
        riddenS: 5,
        plannedS: 10,
        targetW: 220,
        powerW: 210,
        plannedCadenceRpm: 95,
        cadenceRpm: 90,
      },
      { riddenS: 5, targetW: null, powerW: 150, share: null, heartRateBpm: 140 },
    ]);
    expect(riddenIntervals(record)[1]?.share).toBeCloseTo(210 / 220, 10);
  });

  test('tells what happened in riding time: breaks where they began, pauses by their reason', () => {
    const { state, record } = ridden();
    const receipt = { gapMs: 400, replayed: 0, resent: 1, lost: 0, result: 'resumed' } as const;
    const link = incidentOf(receipt, 'back', startMs + 12_400);
    const move = incidentOf({ ...receipt, gapMs: 0, resent: 0 }, 'back', startMs + 25_000);
    if (link === null || move === null) throw new Error('There is nothing to tell.');
    const rows = timeline(state, record?.changes ?? [], [move, link]);
    expect(rows.map(({ atS, text, isTrouble }) => [atS, text, isTrouble])).toEqual([
      [0, 'Started', false],
      [10, 'Intensity 110\u00A0%', false],
      [12, 'Connection lost, back after 0.4 s, 1 second delivered afterwards, nothing lost', true],
      [15, 'The trainer was out of reach for 8.0 s; the clock waited', true],
      [15, 'Skipped 0:05', false],
      [17, 'Moved to another server without a break, nothing lost', true],
      [20, 'Lap', false],
      [20, 'Finished', false],
    ]);
  });

  test('tells nothing of a beginning, and of a reload that it was one', () => {
    const receipt = { gapMs: 300, replayed: 0, resent: 0, lost: 2, result: 'resumed' } as const;
    expect(incidentOf(receipt, 'begun', startMs)).toBeNull();
    expect(incidentOf({ ...receipt, gapMs: 40_000 }, 'begun', startMs)?.kind).toBe('begun');
    expect(incidentOf(receipt, 'taken-up', startMs)).toMatchObject({ kind: 'page', lost: 2 });
    expect(incidentOf({ ...receipt, result: 'rebuilt' }, 'back', startMs)?.kind).toBe('rebuild');
  });
});

test('the zones of an FTP leave no watt out and take none twice', () => {
  const zones = zoneTable(253);
  expect(zones[0]?.fromW).toBe(0);
  const followers = zones.slice(0, -1).map(({ toW }) => (toW ?? Number.NaN) + 1);
  expect(zones.slice(1).map(({ fromW }) => fromW)).toEqual(followers);
  expect(zones.at(-1)?.toW).toBeNull();
});
