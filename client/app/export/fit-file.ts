/** A ride as a FIT activity: records, pauses as timer events, laps, one session; summaries last, as most programs read them. Pure. */
import { writeFit, type FitField, type FitMessage, type FitRow } from './fit-writer.ts';
import { mean, type RecordedLap, type RideRecord } from './ride-record.ts';

/** Seconds from the Unix epoch to that of the format, 31 December 1989. */
const fitEpochS = 631_065_600;
/** "Development": the file impersonates nobody's device. */
const manufacturer = 255;
const activityFile = 4;
const cycling = 2;
const indoorCycling = 6;
const timerEvent = 0;
const sessionEvent = 8;
const lapEvent = 9;
const activityEvent = 26;
const started = 0;
const stopped = 1;
const stoppedAll = 4;
const byEndOfActivity = 0;
const manualActivity = 0;
const byHand = 0;
const byEndOfSession = 7;

const uint8 = (number: number): FitField => ({ number, type: 'uint8' });
const uint16 = (number: number): FitField => ({ number, type: 'uint16' });
const uint32 = (number: number): FitField => ({ number, type: 'uint32' });
const choice = (number: number): FitField => ({ number, type: 'enum' });

/** What laps and the session have in common. */
const summaryFields = {
  index: uint16(254),
  timestamp: uint32(253),
  event: choice(0),
  eventType: choice(1),
  startTime: uint32(2),
  elapsedMs: uint32(7),
  timerMs: uint32(8),
};

// Numbers of messages and fields by the profile of the format.
const fileId = {
  number: 0,
  fields: {
    type: choice(0),
    manufacturer: uint16(1),
    product: uint16(2),
    serial: { number: 3, type: 'uint32z' },
    createdAt: uint32(4),
  },
} as const;
const event = {
  number: 21,
  fields: { timestamp: uint32(253), event: choice(0), eventType: choice(1) },
};
const record = {
  number: 20,
  fields: {
    timestamp: uint32(253),
    heartRateBpm: uint8(3),
    cadenceRpm: uint8(4),
    powerW: uint16(7),
  },
};
const lap = {
  number: 19,
  fields: {
    ...summaryFields,
    heartRateBpm: uint8(15),
    maxHeartRateBpm: uint8(16),
    cadenceRpm: uint8(17),
    powerW: uint16(19),
    maxW: uint16(20),
    trigger: choice(24),
    sport: choice(25),
    subSport: choice(39),
  },
};
const session = {
  number: 18,
  fields: {
    ...summaryFields,
    sport: choice(5),
    subSport: choice(6),
    energyKcal: uint16(11),
    heartRateBpm: uint8(16),
    maxHeartRateBpm: uint8(17),
    cadenceRpm: uint8(18),
    powerW: uint16(20),
    maxW: uint16(21),
    firstLap: uint16(25),
    lapCount: uint16(26),
    trigger: choice(28),
    normalizedW: uint16(34),
    loadTenths: uint16(35),
    intensityThousandths: uint16(36),
    ftpW: uint16(45),
    workJ: uint32(48),
  },
};
const activity = {
  number: 34,
  fields: {
    timestamp: uint32(253),
    timerMs: uint32(0),
    sessionCount: uint16(1),
    type: choice(2),
    event: choice(3),
    eventType: choice(4),
    localTime: uint32(5),
  },
};

export interface FitOptions {
  /** Tells two files of the same moment apart; not 0. */
  readonly serial: number;
  /** Of the rider's clock on the wall, east of Greenwich. */
  readonly offsetMinutes: number;
}

export function fitFile(
  ride: RideRecord,
  { serial, offsetMinutes }: FitOptions,
): Uint8Array<ArrayBuffer> {
  const { startedAtMs, endedAtMs, riddenMs, laps } = ride;
  const timestamp = fitTime(endedAtMs);
  const createdAt = fitTime(startedAtMs);
  return writeFit([
    row(fileId, { type: activityFile, manufacturer, product: 0, serial, createdAt }),
    ...courseOf(ride),
    ...laps.map((ended, index) => lapRow(ended, index, index === laps.length - 1)),
    sessionRow(ride),
    row(activity, {
      timestamp,
      timerMs: riddenMs,
      sessionCount: 1,
      type: manualActivity,
      event: activityEvent,
      eventType: stopped,
      localTime: timestamp + offsetMinutes * 60,
    }),
  ]);
}

/** What happened in order: the timer runs and stands, and records in between. */
function courseOf({ startedAtMs, endedAtMs, pauses, seconds }: RideRecord): readonly FitRow[] {
  const rows: TimedRow[] = [
    timer(startedAtMs, started),
    ...pauses.flatMap(({ fromMs, toMs }) =>
      // The ride may have been finished in a pause: then it ends with it.
      toMs < endedAtMs
        ? [timer(fromMs, stoppedAll), timer(toMs, started)]
        : [timer(fromMs, stoppedAll)],
    ),
    ...seconds.map(({ atMs, heartRateBpm, cadenceRpm, powerW }) => ({
      atMs,
      row: row(record, { timestamp: fitTime(atMs), heartRateBpm, cadenceRpm, powerW }),
    })),
  ].toSorted((a, b) => a.atMs - b.atMs);
  const stoodAtEnd = pauses.some(({ toMs }) => toMs >= endedAtMs);
  const end = stoodAtEnd ? [] : [timer(endedAtMs, stoppedAll)];
  return [...rows, ...end].map(({ row }) => row);
}

interface TimedRow {
  readonly atMs: number;
  readonly row: FitRow;
}

function timer(atMs: number, eventType: number): TimedRow {
  return { atMs, row: row(event, { timestamp: fitTime(atMs), event: timerEvent, eventType }) };
}

function lapRow(ended: RecordedLap, index: number, isLast: boolean): FitRow {
  const { fromMs, toMs, riddenMs } = ended;
  return row(lap, {
    index,
    timestamp: fitTime(toMs),
    event: lapEvent,
    eventType: stopped,
    startTime: fitTime(fromMs),
    elapsedMs: toMs - fromMs,
    timerMs: riddenMs,
    ...bodyOf(ended.seconds),
    trigger: isLast ? byEndOfSession : byHand,
    sport: cycling,
    subSport: indoorCycling,
  });
}

function sessionRow(ride: RideRecord): FitRow {
  const { startedAtMs, endedAtMs, riddenMs, seconds, laps, summary, ftpW } = ride;
  const { normalizedW, load, intensityFactor, energyKj } = summary;
  return row(session, {
    index: 0,
    timestamp: fitTime(endedAtMs),
    event: sessionEvent,
    eventType: stopped,
    startTime: fitTime(startedAtMs),
    elapsedMs: endedAtMs - startedAtMs,
    timerMs: riddenMs,
    sport: cycling,
    subSport: indoorCycling,
    // A body gives about a quarter of what it burns to the pedals: as many kilocalories as kilojoules of work.
    energyKcal: energyKj,
    ...bodyOf(seconds),
    firstLap: 0,
    lapCount: laps.length,
    trigger: byEndOfActivity,
    normalizedW,
    loadTenths: load === null ? null : load * 10,
    intensityThousandths: intensityFactor === null ? null : intensityFactor * 1000,
    ftpW,
    workJ: energyKj * 1000,
  });
}

interface Body {
  readonly powerW: number | null;
  readonly maxW: number | null;
  readonly heartRateBpm: number | null;
  readonly maxHeartRateBpm: number | null;
  readonly cadenceRpm: number | null;
}

/** Averages as the ride's own numbers have them: seconds without a value are left out, and so is coasting from cadence. */
function bodyOf(seconds: RideRecord['seconds']): Body {
  const powersW = known(seconds.map(({ powerW }) => powerW));
  const heartRatesBpm = known(seconds.map(({ heartRateBpm }) => heartRateBpm));
  const cadencesRpm = known(seconds.map(({ cadenceRpm }) => cadenceRpm || null));
  return {
    powerW: mean(powersW),
    maxW: highest(powersW),
    heartRateBpm: mean(heartRatesBpm),
    maxHeartRateBpm: highest(heartRatesBpm),
    cadenceRpm: mean(cadencesRpm),
  };
}

function known(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

function highest(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((a, b) => Math.max(a, b));
}

function row<Message extends FitMessage>(
  message: Message,
  values: Readonly<Record<keyof Message['fields'], number | null>>,
): FitRow {
  return { message, values };
}

function fitTime(atMs: number): number {
  return Math.floor(atMs / 1000) - fitEpochS;
}
