/** From the start of a process to the first session, on a database that is up to date. */
import { startChild, type Child } from '../child.ts';
import { median, type ScenarioResult } from '../result.ts';
import type { Scenario, Surroundings } from '../scenario.ts';
import type { SubjectName, SubjectStart } from '../subjects.ts';

const checkpointMs = 5_000;
const subjects = ['durable', 'set'] as const satisfies readonly SubjectName[];

interface Start {
  readonly readyMs: number;
  readonly firstMs: number;
}

async function run({ stores, options, tell }: Surroundings): Promise<ScenarioResult> {
  const listen = (subject: Child, name: SubjectName): Promise<number> =>
    subject.ask<number>({
      kind: 'start',
      name,
      postgres: stores.postgres.url,
      redis: stores.redis.url,
      checkpointMs,
    } satisfies SubjectStart);
  /** They bring the database up to date, and let riders begin who have begun before: it is servers that are measured. */
  const former = subjects.map((name) => ({ name, subject: startChild('subject', [name]) }));
  const ports = new Map<SubjectName, number>();
  const start = async (name: SubjectName): Promise<Start> => {
    const generator = startChild('generator', [name]);
    await generator.ask({ kind: 'connect', subject: name, port: ports.get(name), count: 1 });
    const beganMs = performance.now();
    const subject = startChild('subject', [name]);
    try {
      const port = await listen(subject, name);
      const readyMs = performance.now() - beganMs;
      await generator.ask({ kind: 'connect', subject: name, port, count: 1 });
      return { readyMs, firstMs: performance.now() - beganMs };
    } finally {
      await Promise.all([subject.kill(), generator.kill()]);
    }
  };
  const all = new Map<SubjectName, Start[]>();
  try {
    for (const { name, subject } of former) ports.set(name, await listen(subject, name));
    for (let round = 1; round <= options.rounds; round++)
      for (const name of subjects) {
        tell(`start: round ${round} of ${options.rounds}, ${name}`);
        all.set(name, [...(all.get(name) ?? []), await start(name)]);
      }
  } finally {
    await Promise.all(former.map(({ subject }) => subject.kill()));
  }
  const of = (name: SubjectName, what: keyof Start): number =>
    median((all.get(name) ?? []).map((one) => one[what]));
  return {
    name: 'start',
    what: 'a process starts, listens, and has its first session',
    tables: [
      {
        title: 'Milliseconds from the start of the process',
        columns: ['subject', 'ready', 'first session'],
        rows: subjects.map((name) => [
          name,
          Math.round(of(name, 'readyMs')),
          Math.round(of(name, 'firstMs')),
        ]),
      },
    ],
    charts: [],
    goals: [
      {
        what: 'start to ready',
        measured: of('durable', 'readyMs'),
        limit: { atMost: 600 },
        unit: 'ms',
      },
      {
        what: 'start to the first session, of ws + SET',
        measured: of('durable', 'firstMs') / of('set', 'firstMs'),
        limit: { atMost: 1 },
        unit: '×',
      },
    ],
    faults: [],
  };
}

export const start: Scenario = { what: 'from the start of a process to its first session', run };
