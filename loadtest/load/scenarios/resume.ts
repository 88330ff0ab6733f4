/** Rides of two hours are taken up again: by the instance that has them, with a full replay, and by another, which opens them from the stores. */
import { startChild, type Child } from '../child.ts';
import { makeLongSession, type LongSession } from '../long-session.ts';
import { median, rounded, type ScenarioResult } from '../result.ts';
import type { Scenario, Surroundings } from '../scenario.ts';
import type { SubjectStart } from '../subjects.ts';
import type { Usage } from '../usage.ts';
import { percentile } from './storm.ts';

/** Two hours at one a second, then four and eight. */
const sizes = [7_200, 14_400, 28_800];

/** As far back as a replay reaches, but for what coming back adds itself. */
const missedCount = 490;

/** Often enough that what is not saved never fills the bound of it. */
const checkpointMs = 250;

/** Sessions made at the same time. */
const togetherCount = 5;

/** Resumes before those that count: in these everything is compiled. */
const warmUpCount = 40;

interface Resumed {
  /** Median. */
  readonly cpuMs: number;
  readonly waitsMs: readonly number[];
  /** Entries the client got that missed most, and that missed least. */
  readonly replayed: readonly [least: number, most: number];
}

interface OfSize {
  readonly eventCount: number;
  readonly sessions: readonly LongSession[];
}

/** By the instance that has the sessions, and by one that does not; in the order of the sizes. */
interface Outcome {
  readonly same: readonly Resumed[];
  readonly other: readonly Resumed[];
}

async function run({ stores, options, tell }: Surroundings): Promise<ScenarioResult> {
  const [former, heir] = [startChild('subject', ['former']), startChild('subject', ['heir'])];
  const count = options.rounds * 4;
  try {
    const formerPort = await listening(former, stores);
    const make = async (number: number, eventCount: number): Promise<LongSession[]> => {
      const made: LongSession[] = [];
      while (made.length < number) {
        tell(`resume: session ${made.length + 1} of ${number} with ${eventCount} events`);
        const some = Array.from({ length: togetherCount }, () =>
          makeLongSession(formerPort, { eventCount, missedCount }),
        );
        made.push(...(await Promise.all(some)));
      }
      return made;
    };
    const warmUps = { eventCount: 1_200, sessions: await make(warmUpCount, 1_200) };
    const bySize: OfSize[] = [];
    for (const eventCount of sizes)
      bySize.push({ eventCount, sessions: await make(count, eventCount) });
    tell('resume: the instance that has them');
    await resumeAll(former, formerPort, [warmUps]);
    const same = await resumeAll(former, formerPort, bySize);
    await former.kill();
    const port = await listening(heir, stores);
    tell('resume: the other instance opens them');
    await resumeAll(heir, port, [warmUps]);
    return resultOf({ same, other: await resumeAll(heir, port, bySize) }, count);
  } finally {
    await Promise.all([former.kill(), heir.kill()]);
  }
}

/** One after the other, the sizes in turn: what comes first finds colder code. */
async function resumeAll(
  instance: Child,
  port: number,
  bySize: readonly OfSize[],
): Promise<Resumed[]> {
  const all = bySize.map(() => ({
    cpuMs: [] as number[],
    waitsMs: [] as number[],
    replayed: [] as number[],
  }));
  for (const turn of bySize[0]?.sessions.keys() ?? [])
    for (const [place, { sessions }] of bySize.entries()) {
      const before = await instance.ask<Usage>({ kind: 'usage' });
      const startMs = performance.now();
      const replayed = (await sessions[turn]?.resume(port)) ?? 0;
      all[place]?.waitsMs.push(performance.now() - startMs);
      const after = await instance.ask<Usage>({ kind: 'usage' });
      all[place]?.cpuMs.push((after.cpuUs - before.cpuUs) / 1_000);
      all[place]?.replayed.push(replayed);
    }
  return all.map(({ cpuMs, waitsMs, replayed }) => ({
    cpuMs: median(cpuMs),
    waitsMs,
    replayed: [Math.min(...replayed), Math.max(...replayed)],
  }));
}

function resultOf(outcome: Outcome, count: number): ScenarioResult {
  const whose = ['same', 'other'] as const;
  const names = { same: 'the instance that has it', other: 'another instance' };
  return {
    name: 'resume',
    what: `long sessions are taken up again, ${count} of each length, by clients that missed ${missedCount} entries: where they are, and by an instance that must open them from the stores`,
    tables: [
      {
        title: 'One resume',
        columns: [
          'by',
          'events',
          'server CPU ms',
          'client waits p50 ms',
          'p99 ms',
          'entries replayed, else a snapshot',
        ],
        rows: whose.flatMap((by) =>
          outcome[by].map(({ cpuMs, waitsMs, replayed }, place) => [
            names[by],
            sizes[place] ?? 0,
            rounded(cpuMs),
            rounded(percentile(waitsMs, 50)),
            rounded(percentile(waitsMs, 99)),
            [...new Set(replayed)].join('–'),
          ]),
        ),
      },
    ],
    charts: [
      {
        title: 'Server CPU of a resume',
        x: 'events of the session',
        y: 'ms',
        lines: whose.map((by) => ({
          name: names[by],
          points: outcome[by].map(({ cpuMs }, place) => [sizes[place] ?? 0, cpuMs] as const),
        })),
      },
    ],
    goals: whose.map((by) => ({
      what: `server time of a resume of two hours by ${names[by]}${by === 'same' ? ', with a full replay' : ''}`,
      measured: outcome[by][0]?.cpuMs ?? Number.NaN,
      limit: { atMost: 30 },
      unit: 'ms',
    })),
    faults: outcome.same
      .filter(({ replayed }) => replayed[0] < missedCount)
      .map(() => 'A client got something else than its replay.'),
  };
}

function listening(instance: Child, { postgres, redis }: Surroundings['stores']): Promise<number> {
  return instance.ask({
    kind: 'start',
    name: 'durable',
    postgres: postgres.url,
    redis: redis.url,
    checkpointMs,
  } satisfies SubjectStart);
}

export const resume: Scenario = { what: 'a long session opened by another instance', run };
