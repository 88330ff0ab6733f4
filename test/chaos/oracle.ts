/**
 * Holds what Postgres has of a session against every command that was issued: each exactly once, in its device's order, with the
 * outcome it must have. A command that is excused may be missing, and nothing else: once at most, in its place, with its outcome.
 * One that is void must be missing. Pure.
 */
import { isDeepStrictEqual } from 'node:util';

import type { Issued } from './command-source.ts';
import type { FindingKind, Sentence } from './findings.ts';
import { eventOf, Ledger, type Outcome, type RideEvent, type Totals } from './ledger.ts';
import { StoredLog, type LoggedOutcome, type StoredRow } from './stored-log.ts';

export interface Author {
  readonly name: string;
  readonly clientId: string;
  readonly issued: readonly Issued[];
  /**
   * Ordinals of commands that may be missing: those that are unsure, and while a device is away, all that it has not heard to be saved,
   * kept or not. The last question of a run is asked when no device is away, and excuses nothing that was kept.
   */
  readonly excused: ReadonlySet<number>;
  /** Ordinals of commands that may not be there: their device's storage did not have them after a kill, so they were never sent. */
  readonly voided: ReadonlySet<number>;
}

export interface Verdict {
  readonly findings: readonly Sentence[];
  readonly lostCount: number;
  readonly doubledCount: number;
  readonly reorderedCount: number;
  readonly totals: Totals;
  readonly log: StoredLog;
}

/** Findings of one kind told one by one; the rest is a number. */
const toldMax = 3;

export function judge(authors: readonly Author[], rows: readonly StoredRow[]): Verdict {
  const log = new StoredLog();
  log.take(rows);
  const findings: Sentence[] = [...log.faults];
  const counts = { lost: 0, doubled: 0, reordered: 0 };
  const ledger = new Ledger();
  const told = new Map<FindingKind, number>();
  const find = (kind: FindingKind, sentence: string): void => {
    const count = (told.get(kind) ?? 0) + 1;
    told.set(kind, count);
    if (kind in counts) counts[kind as keyof typeof counts] += 1;
    if (count <= toldMax) findings.push({ kind, sentence });
  };
  const devices = new Map(authors.map((author) => [author.clientId, trackOf(author)]));
  for (const outcome of log.outcomes) {
    const device = devices.get(outcome.clientId);
    const command = device?.byTime.get(outcome.atMs);
    if (device === undefined || command === undefined) {
      find('altered', `${describe(outcome)} is of a command nobody gave.`);
      continue;
    }
    const named = `${device.name}'s command ${command.ordinal} (${command.type})`;
    const before = device.placeOf.get(command.ordinal);
    if (before !== undefined)
      find('doubled', `${named} is in the log as ${before} and as ${describe(outcome)}.`);
    else if (command.ordinal < device.latest)
      find('reordered', `${named} came after command ${device.latest}: ${describe(outcome)}.`);
    if (device.voided.has(command.ordinal))
      find('void-delivered', `${named} is void, and in the log: ${describe(outcome)}.`);
    device.placeOf.set(command.ordinal, describe(outcome));
    device.latest = Math.max(device.latest, command.ordinal);
    const due = ledger.due(command);
    const isRight = authors.length === 1 ? isOutcome(outcome, due) : couldBe(outcome, command);
    if (!isRight)
      find('altered', `${named} came to ${JSON.stringify(outcome)}, not ${JSON.stringify(due)}.`);
    for (const event of outcome.events) ledger.take(event);
  }
  for (const { name, issued, excused, voided, placeOf } of devices.values())
    for (const { ordinal, type } of issued)
      if (!placeOf.has(ordinal) && !excused.has(ordinal) && !voided.has(ordinal))
        find('lost', `${name}'s command ${ordinal} of ${issued.length} (${type}) is not there.`);
  return {
    findings,
    lostCount: counts.lost,
    doubledCount: counts.doubled,
    reorderedCount: counts.reordered,
    totals: ledger.totals(),
    log,
  };
}

function trackOf({ name, issued, excused, voided }: Author) {
  return {
    name,
    issued,
    excused,
    voided,
    byTime: new Map(issued.map((command) => [command.atMs, command])),
    /** Where each command stands in the log. */
    placeOf: new Map<number, string>(),
    latest: 0,
  };
}

function isOutcome({ events, refused }: LoggedOutcome, due: Outcome): boolean {
  if ('refused' in due) return refused === due.refused && events.length === 0;
  return refused === undefined && isDeepStrictEqual(events, due.events);
}

/**
 * What a lost Redis had accepted is taken over with the outcome it had then, perhaps behind commands of another device that it was
 * decided before: there, times and refusals may be others. The payload may not.
 */
function couldBe({ events, refused }: LoggedOutcome, command: Issued): boolean {
  const event = events.at(-1);
  if (event === undefined || refused !== undefined)
    return event === undefined && refused !== undefined;
  const [type, data] = eventOf(command, 0, 0);
  return type === event[0] && isDeepStrictEqual(withoutTime(data), withoutTime(event[1]));
}

function withoutTime(data: RideEvent[1]): object {
  return Object.fromEntries(
    Object.entries(data).filter(([name]) => name !== 'atMs' && name !== 'second'),
  );
}

function describe({ offset, incarnation, seq }: LoggedOutcome): string {
  return `entry ${offset} (seq ${seq} of ${incarnation.slice(0, 6)})`;
}

/** The part of a workout's state that the totals speak of. */
export interface ShownState {
  readonly phase: string;
  readonly lastMs: number;
  readonly intensity: number;
  readonly laps: readonly { readonly atMs: number }[];
  readonly pauses: readonly { readonly reason?: string }[];
  readonly metrics: { readonly recordedS: number; readonly energyJ: number };
}

/** Whether a state, wherever it is shown, is what the log comes to; a sentence when it is not. */
export function differenceOf(state: ShownState, totals: Totals): string | undefined {
  const { phase, lastMs, intensity, laps, pauses, metrics } = state;
  const shown: Totals = {
    phase,
    lastMs,
    intensity,
    lapsAtMs: laps.map(({ atMs }) => atMs),
    pauses: pauses.map(({ reason = '' }) => reason),
    recordedS: metrics.recordedS,
    energyJ: metrics.energyJ,
  };
  for (const [name, due] of Object.entries(totals)) {
    const value: unknown = shown[name as keyof Totals];
    if (!isDeepStrictEqual(value, due))
      return `${name} is ${JSON.stringify(value)}, not ${JSON.stringify(due)}`;
  }
  return undefined;
}
