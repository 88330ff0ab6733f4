/** Planned against ridden, segment by segment. Pure. */
import type { PlanSegment } from '../../../shared/workout/plan.ts';
import { mean, type RideRecord } from '../export/ride-record.ts';

export interface RiddenInterval {
  /** From 0. */
  readonly index: number;
  readonly plannedS: number;
  readonly riddenS: number;
  /** Mean of what was asked for in the seconds that were ridden, with the intensity of the moment; null where the plan was free. */
  readonly targetW: number | null;
  readonly powerW: number | null;
  /** Part of what was asked for; null when either is unknown, or nothing was asked for. */
  readonly share: number | null;
  readonly plannedCadenceRpm: number | null;
  readonly cadenceRpm: number | null;
  readonly heartRateBpm: number | null;
}

/** All segments of the plan in order; one that was skipped was ridden for 0 s. */
export function riddenIntervals({ plan, seconds }: RideRecord): readonly RiddenInterval[] {
  let startS = 0;
  return plan.segments.map((segment, index) => {
    const fromS = startS;
    startS += segment.durationS;
    return riddenInterval(
      segment,
      index,
      seconds.filter(
        ({ positionS }) => positionS >= fromS && positionS < fromS + segment.durationS,
      ),
    );
  });
}

function riddenInterval(
  segment: PlanSegment,
  index: number,
  seconds: RideRecord['seconds'],
): RiddenInterval {
  const targetW = mean(seconds.flatMap(({ targetW }) => targetW ?? []));
  const powerW = mean(seconds.flatMap((second) => second.powerW ?? []));
  return {
    index,
    plannedS: segment.durationS,
    riddenS: seconds.length,
    targetW,
    powerW,
    share: powerW === null || !targetW ? null : powerW / targetW,
    plannedCadenceRpm: segment.cadenceRpm ?? null,
    // A zero is a rider who coasts.
    cadenceRpm: mean(seconds.flatMap(({ cadenceRpm }) => cadenceRpm || [])),
    heartRateBpm: mean(seconds.flatMap(({ heartRateBpm }) => heartRateBpm ?? [])),
  };
}
