/** What a rider is asked to do: a plan as segments one after another, and the target power at any place in it. */
import * as v from 'valibot';

/** Longest plan. One day: beyond it a file is broken, not ambitious. */
export const planSecondsMax = 86_400;
export const segmentCountMax = 1000;
/** Texts of a whole plan. With the bounds beside it a plan stays well below the 256 KiB of a creating request. */
export const textCountMax = 300;
export const messageCharsMax = 200;
/** How long a text stays on the screen. Long enough to read two lines at threshold. */
export const textShownS = 10;

const wholeSeconds = v.pipe(v.number(), v.integer(), v.maxValue(planSecondsMax));
const fraction = v.pipe(v.number(), v.minValue(0), v.maxValue(5));

/** Text that every store takes: Postgres keeps no NUL and no half of a surrogate pair in JSON. */
export const storableText = v.pipe(
  v.string(),
  v.check(
    (text) => !text.includes('\0') && !/\p{Cs}/u.test(text),
    'The text holds a character that cannot be stored.',
  ),
);

const textSchema = v.object({
  /** Seconds after its segment's start. */
  atS: v.pipe(wholeSeconds, v.minValue(0)),
  message: v.pipe(storableText, v.minLength(1), v.maxLength(messageCharsMax)),
});

const everySegment = {
  durationS: v.pipe(wholeSeconds, v.minValue(1)),
  cadenceRpm: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(20), v.maxValue(250))),
  texts: v.exactOptional(v.pipe(v.array(textSchema), v.maxLength(textCountMax), v.readonly())),
};

const segmentSchema = v.variant('kind', [
  v.object({ kind: v.literal('steady'), ...everySegment, fraction }),
  v.object({
    kind: v.literal('ramp'),
    ...everySegment,
    fromFraction: fraction,
    toFraction: fraction,
  }),
  v.object({ kind: v.literal('free'), ...everySegment }),
]);

/** What a workout can be called. */
export const planNameSchema = v.pipe(storableText, v.minLength(1), v.maxLength(200));

/** A plan from outside. Fractions are of FTP; unknown keys are dropped. */
export const planSchema = v.pipe(
  v.object({
    name: planNameSchema,
    description: v.pipe(storableText, v.maxLength(2000)),
    segments: v.pipe(
      v.array(segmentSchema),
      v.minLength(1),
      v.maxLength(segmentCountMax),
      v.readonly(),
    ),
  }),
  v.check((plan) => planDurationS(plan) <= planSecondsMax, 'The plan is longer than 24 hours.'),
  v.check(
    (plan) => textCount(plan.segments) <= textCountMax,
    `The plan has more than ${textCountMax} texts.`,
  ),
  v.readonly(),
);

/** One stretch of a plan: a steady target, a straight ramp, or free of any target. */
export type PlanSegment = Readonly<v.InferOutput<typeof segmentSchema>>;
/** A workout to be ridden, with whole seconds and fractions of FTP. */
export type Plan = v.InferOutput<typeof planSchema>;

/** Where in a plan a moment lies. */
export interface PlanPlace {
  /** Of the segment, from 0. */
  readonly index: number;
  readonly segment: PlanSegment;
  /** Start and end of the segment, seconds of the plan. */
  readonly startS: number;
  readonly endS: number;
  /** Seconds until the segment ends; above 0. */
  readonly leftS: number;
  /** What comes after it; null in the last segment. */
  readonly next: PlanSegment | null;
}

/** Seconds from the first segment's start to the last one's end. */
export function planDurationS({ segments }: { segments: readonly PlanSegment[] }): number {
  let durationS = 0;
  for (const segment of segments) durationS += segment.durationS;
  return durationS;
}

/** The segment a position lies in: a boundary belongs to the segment it starts. Null before the start and after the end. */
export function segmentAt({ segments }: Plan, positionS: number): PlanPlace | null {
  if (!(positionS >= 0)) return null;
  let startS = 0;
  for (const [index, segment] of segments.entries()) {
    const endS = startS + segment.durationS;
    if (positionS < endS) {
      const next = segments[index + 1] ?? null;
      return { index, segment, startS, endS, leftS: endS - positionS, next };
    }
    startS = endS;
  }
  return null;
}

/** Fraction of FTP a segment asks for, `intoS` seconds after its start; null when it is free. */
export function fractionAt(segment: PlanSegment, intoS: number): number | null {
  switch (segment.kind) {
    case 'steady':
      return segment.fraction;
    case 'ramp': {
      const { fromFraction, toFraction, durationS } = segment;
      return fromFraction + (toFraction - fromFraction) * (intoS / durationS);
    }
    case 'free':
      return null;
  }
}

/** Target in whole watts, piecewise linear; null in free segments and outside the plan. `intensity` 1 rides it as written. */
export function targetPowerW(
  plan: Plan,
  ftpW: number,
  intensity: number,
  positionS: number,
): number | null {
  const place = segmentAt(plan, positionS);
  const fraction = place && fractionAt(place.segment, positionS - place.startS);
  return fraction === null ? null : Math.round(fraction * ftpW * intensity);
}

/** The message to show at a position: the one that began last, if that is less than `textShownS` ago. */
export function messageAt({ segments }: Plan, positionS: number): string | null {
  let message: string | null = null;
  let latestS = positionS - textShownS;
  let startS = 0;
  for (const { durationS, texts } of segments) {
    for (const text of texts ?? []) {
      const beganS = startS + text.atS;
      if (beganS <= latestS || beganS > positionS) continue;
      message = text.message;
      latestS = beganS;
    }
    startS += durationS;
    if (startS > positionS) break;
  }
  return message;
}

function textCount(segments: readonly PlanSegment[]): number {
  return segments.reduce((count, segment) => count + (segment.texts?.length ?? 0), 0);
}
