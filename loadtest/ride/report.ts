/** The table at the end of a ride. */
import type { WorkoutState } from '../../shared/workout/workout-state.ts';
import { summary } from '../../shared/workout/workout-view.ts';
import { clockTime, withUnit } from './ride-text.ts';
import type { WireAccount } from './wire-witness.ts';

export interface Outcome {
  readonly state: WorkoutState;
  readonly account: WireAccount;
  readonly givenCount: number;
  readonly acceptedCount: number;
  readonly checkpointedCount: number;
  readonly killCount: number;
  readonly faults: readonly string[];
}

type Line = readonly [label: string, value: string];

/** Lines to print, the verdict last. */
export function reportLines(outcome: Outcome): readonly string[] {
  const { account, faults } = outcome;
  const losses = `${lostCountOf(outcome)} lost, ${account.doubledCount} doubled`;
  return [
    ...table(rideLines(outcome.state)),
    '',
    ...table(deliveryLines(outcome)),
    '',
    faults.length === 0
      ? `${losses}: the service has the very ride, second by second.`
      : `${losses}. ${faults.join(' ')}`,
  ];
}

function rideLines(state: WorkoutState): readonly Line[] {
  const ridden = summary(state);
  return [
    ['average power', withUnit(ridden.averageW, 'W')],
    ['normalized power', withUnit(ridden.normalizedW, 'W')],
    ['maximum power', withUnit(ridden.maxW, 'W')],
    ['intensity factor', withUnit(ridden.intensityFactor, '', 3)],
    ['training load', withUnit(ridden.load, '', 1)],
    ['work', withUnit(ridden.energyKj, 'kJ')],
    ['heart rate', withUnit(ridden.averageHeartRateBpm, 'bpm')],
    ['cadence', withUnit(ridden.averageCadenceRpm, 'rpm')],
    ['time', clockTime(ridden.ridingS)],
    ['seconds with power', String(ridden.recordedS)],
    ['seconds without', String(ridden.missingS)],
  ];
}

function deliveryLines(outcome: Outcome): readonly Line[] {
  const { account, givenCount, acceptedCount, checkpointedCount, killCount } = outcome;
  return [
    ['commands given', String(givenCount)],
    ['sent again', String(account.sentAgainCount)],
    ['accepted', String(acceptedCount)],
    ['checkpointed', String(checkpointedCount)],
    ['kills', String(killCount)],
    ['longest gap', `${(account.longestGapMs / 1000).toFixed(2)} s`],
    ['lost', String(lostCountOf(outcome))],
    ['doubled', String(account.doubledCount)],
  ];
}

function lostCountOf({ givenCount, account }: Outcome): number {
  return Math.max(0, givenCount - account.takenCount);
}

/** Labels in one column; numbers end in one column too, whatever their units. */
function table(lines: readonly Line[]): string[] {
  const labelChars = Math.max(...lines.map(([label]) => label.length));
  const numberChars = Math.max(...lines.map(([, value]) => value.split(' ')[0]?.length ?? 0));
  return lines.map(([label, value]) => {
    const [number = '', ...unit] = value.split(' ');
    return `  ${label.padEnd(labelChars)}  ${[number.padStart(numberChars), ...unit].join(' ')}`;
  });
}
