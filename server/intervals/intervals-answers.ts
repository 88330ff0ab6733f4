/** What intervals.icu answers, as far as it is looked at: whatever it holds besides is dropped here. */
import * as v from 'valibot';

/** A workout of the calendar. */
export interface PlannedWorkout {
  readonly eventId: string;
  readonly name: string;
  /** `2026-11-30`, where the athlete lives. */
  readonly day: string;
  /** A .zwo; '' when there is none for it. */
  readonly file: string;
}

const id = v.pipe(
  v.union([v.string(), v.pipe(v.number(), v.safeInteger())]),
  v.transform(String),
  v.regex(/^[\w-]{1,64}$/),
);
/** Cut, so that no list grows by names. */
const name = v.pipe(
  v.nullish(v.string(), ''),
  v.transform((text) => text.replaceAll(/\p{Cc}+/gu, ' ').slice(0, 200)),
);

const athlete = v.object({ id, name });
/** `2026-11-30`, and on some calendar. */
export const daySchema = v.pipe(v.string(), v.regex(/^20\d\d-\d\d-\d\d$/), v.check(isDay));

const activity = v.object({ id });
const uploaded = v.object({ id: v.nullish(id, ''), activities: v.nullish(v.array(activity), []) });
const listedActivity = v.object({ id, external_id: v.string() });
const event = v.object({
  id,
  name,
  type: v.nullish(v.string(), ''),
  start_date_local: v.pipe(
    v.string(),
    v.transform((time) => time.slice(0, 10)),
    daySchema,
  ),
  workout_file_base64: v.nullish(v.string(), ''),
});

/** Undefined for what is no athlete. */
export function readAthlete(body: unknown): { athleteId: string; name: string } | undefined {
  const read = v.safeParse(athlete, body);
  return read.success ? { athleteId: read.output.id, name: read.output.name } : undefined;
}

/** What one answer may come to, as JSON: some wait in memory for a slow reader. */
const workoutsMax = 40;
const fileBytesMax = 65_536;
const filesBytesMax = 524_288;

/** In the order of days; a run or a swim is for no trainer. A file too large is left out. Undefined for what is no calendar. */
export function readPlanned(body: unknown): readonly PlannedWorkout[] | undefined {
  let bytesLeft = filesBytesMax;
  const fileOf = (encoded: string): string => {
    if (encoded.length > (fileBytesMax * 4) / 3) return '';
    const file = Buffer.from(encoded, 'base64').toString('utf8');
    const bytes = Buffer.byteLength(JSON.stringify(file));
    if (bytes > Math.min(fileBytesMax, bytesLeft)) return '';
    bytesLeft -= bytes;
    return file;
  };
  return itemsOf(event, body)
    ?.filter(({ type }) => type === '' || /Ride$|^Cycl|^Velomobile$/.test(type))
    .toSorted((a, b) => a.start_date_local.localeCompare(b.start_date_local))
    .slice(0, workoutsMax)
    .map((planned) => ({
      eventId: planned.id,
      name: planned.name,
      day: planned.start_date_local,
      file: fileOf(planned.workout_file_base64),
    }));
}

function isDay(text: string): boolean {
  const [year = 0, month = 0, day = 0] = text.split('-').map(Number);
  const february = year % 4 === 0 ? 29 : 28;
  const lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  return day >= 1 && day <= (lengths[month - 1] ?? 0);
}

/** Id of the activity that came from there; '' when it has none, undefined for what is no list. */
export function findActivity(body: unknown, externalId: string): string | undefined {
  const listed = itemsOf(listedActivity, body);
  return listed && (listed.find((one) => one.external_id === externalId)?.id ?? '');
}

/** Id of what was made of a file. */
export function readUploaded(body: unknown): string | undefined {
  const read = v.safeParse(uploaded, body);
  if (!read.success) return undefined;
  return read.output.activities[0]?.id ?? (read.output.id || undefined);
}

/** Those that are as they should be: one that is not must not hide the others. */
function itemsOf<Schema extends v.GenericSchema>(
  schema: Schema,
  body: unknown,
): v.InferOutput<Schema>[] | undefined {
  if (!Array.isArray(body)) return undefined;
  return body.flatMap((item: unknown) => {
    const read = v.safeParse(schema, item);
    return read.success ? [read.output] : [];
  });
}
