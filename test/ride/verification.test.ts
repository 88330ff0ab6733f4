import { describe, expect, test } from 'vitest';

import { planKills } from '../../loadtest/ride/kill-plan.ts';
import { freeRide } from '../../loadtest/ride/ride-plan.ts';
import { findFaults, type Evidence } from '../../loadtest/ride/verification.ts';
import { WireWitness } from '../../loadtest/ride/wire-witness.ts';
import type { ClientFrame, Entry, ServerFrame, WireCommand } from '../../shared/protocol/frames.ts';
import { defaultLimits } from '../../shared/protocol/limits.ts';
import type { WorkoutState } from '../../shared/workout/workout-state.ts';
import { workout } from '../../shared/workout/workout.ts';

const incarnation = 'i'.repeat(22);
const clientId = 'c'.repeat(22);
const input = { plan: freeRide(3), ftpW: 200 };

const given: readonly WireCommand[] = [
  ['start', {}, 1000],
  ['sample', { powerW: 150, cadenceRpm: null, heartRateBpm: null }, 1000],
  ['sample', { powerW: 250, cadenceRpm: null, heartRateBpm: null }, 2000],
  ['finish', {}, 3000],
];
const state = given.reduce<WorkoutState>((state, [type, data, atMs]) => {
  const parsed = workout.parseCommand(type, data);
  const decision = parsed.ok ? workout.decide(state, parsed.value, { atMs, clientId }) : [];
  return 'refused' in decision ? state : decision.reduce((s, e) => workout.evolve(s, e), state);
}, workout.initial(input));

const welcome = (epoch: string): ServerFrame => ({
  type: 'welcome',
  result: 'new',
  epoch,
  accepted: 0,
  checkpointed: 0,
  hashes: [],
  head: 0,
  proof: 'p',
  token: 't',
  heartbeat_ms: 20_000,
  pong_timeout_ms: 10_000,
  retention_ms: 1000,
  backoff_ms: [0, 1],
  limits: defaultLimits,
  release: 'test',
});
const outcome = (offset: number, seq: number, rest: object = {}): Entry => ({
  offset,
  writer: 0,
  seq,
  at_ms: 0,
  hash: 'x',
  events: [],
  ...rest,
});
const joined: Entry = { offset: 1, joined: { client_id: clientId, incarnation, generation: 1 } };
const entries = (...entries: Entry[]): ServerFrame => ({
  type: 'entries',
  proof: 'p',
  accepted: 0,
  checkpointed: 0,
  entries,
});
const hello: ClientFrame = {
  type: 'hello',
  token: 't',
  incarnation,
  kind: 'workout',
  version: 1,
};
const commands = (seq: number, count: number): ClientFrame => ({
  type: 'commands',
  seq,
  commands: given.slice(seq - 1, seq - 1 + count),
});

function hear(...frames: readonly ServerFrame[]): WireWitness {
  const witness = new WireWitness();
  witness.sent(JSON.stringify(hello));
  for (const frame of frames) witness.heard('socket', JSON.stringify(frame));
  return witness;
}
const allTaken = entries(joined, ...given.map((_, index) => outcome(index + 2, index + 1)));

describe('the wire witness', () => {
  test('an entry that is replayed is the same entry', () => {
    const account = hear(welcome('0'), allTaken, welcome('0'), allTaken).account();
    expect(account).toMatchObject({ takenCount: 4, doubledCount: 0, headOffset: 5 });
  });

  test('the same command at another place of the log is doubled', () => {
    const account = hear(welcome('0'), allTaken, entries(outcome(6, 3))).account();
    expect(account).toMatchObject({ takenCount: 4, doubledCount: 1 });
  });

  test('a snapshot of a rebuilt session takes back what it lacks', () => {
    const writer = { client_id: clientId, incarnation, generation: 1, accepted: 2 };
    const witness = hear(welcome('0'), allTaken, welcome('1'), {
      type: 'snapshot',
      snapshot: {
        kind: 'workout',
        version: 1,
        offset: 3,
        state: {},
        writers: [{ ...writer, hashes: [], at_ms: 0 }],
      },
    });
    expect(witness.account()).toMatchObject({ takenCount: 2, doubledCount: 0, headOffset: 3 });
    witness.heard('socket', JSON.stringify(entries(outcome(4, 3), outcome(5, 4))));
    expect(witness.account()).toMatchObject({ takenCount: 4, doubledCount: 0, headOffset: 5 });
  });

  test('commands that go out once more are counted', () => {
    const witness = hear(welcome('0'));
    for (const frame of [commands(1, 3), commands(2, 3)]) witness.sent(JSON.stringify(frame));
    expect(witness.account().sentAgainCount).toBe(2);
  });
});

describe('the verdict', () => {
  const evidence: Evidence = {
    input,
    given,
    stored: { offset: 5, state },
    shown: state,
    account: hear(welcome('0'), allTaken).account(),
    unsavedCount: 0,
  };

  test('a ride that arrived has no fault', () => {
    expect(findFaults(evidence)).toEqual([]);
  });

  test.each<[string, Partial<Evidence>, string]>([
    [
      'a lost command',
      { account: hear(welcome('0'), entries(joined, outcome(2, 1))).account() },
      'Commands that never came into the log: 3.',
    ],
    [
      'a doubled command',
      { account: hear(welcome('0'), allTaken, entries(outcome(6, 4))).account() },
      'Commands that are in the log again: 1.',
    ],
    [
      'a refused command',
      { account: hear(welcome('0'), entries(outcome(1, 1, { refused: 'paused' }))).account() },
      'Commands were refused: paused.',
    ],
    ['an unsaved command', { unsavedCount: 2 }, 'Commands that are not in Postgres: 2.'],
    ['a silent service', { stored: undefined }, 'The service does not give its state out.'],
    [
      'another state at the service',
      { stored: { offset: 5, state: { ...state, riddenMs: 1 } } },
      'The state of the service is not what the ride comes to.',
    ],
    [
      'another state in the client',
      { shown: { ...state, riddenMs: 1 } },
      'The state of the client is not what the ride comes to.',
    ],
    [
      'an entry nobody was told of',
      { stored: { offset: 6, state } },
      'The log ends at 6, its entries were told up to 5.',
    ],
  ])('%s is told', (_, change, sentence) => {
    expect(findFaults({ ...evidence, ...change })).toContain(sentence);
  });
});

describe('the kills', () => {
  test('follow from the file alone, one in each part of the ride, in order', () => {
    const moments = planKills(10, 1000, 'a ride');
    expect(planKills(10, 1000, 'a ride')).toEqual(moments);
    expect(planKills(10, 1000, 'another ride')).not.toEqual(moments);
    expect(moments.map(({ row }) => Math.floor(row / 100))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('stay within a ride shorter than their number', () => {
    const rows = planKills(10, 3, 'short').map(({ row }) => row);
    expect(rows.every((row) => row >= 0 && row < 3)).toBe(true);
    expect(rows).toEqual(rows.toSorted((a, b) => a - b));
  });
});
