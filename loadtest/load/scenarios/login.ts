/** A crowd registers and signs in at once: how many get in, and how fast beside what hashing alone allows. */
import { openBench } from '../bench.ts';
import { startChild } from '../child.ts';
import { hashCost } from '../mailbox.ts';
import type { PeopleResult, PeopleQuestion } from '../people.ts';
import { median, rounded, type ScenarioResult } from '../result.ts';
import type { Scenario, Surroundings } from '../scenario.ts';

const sizes = [50, 500];
const checkpointMs = 5_000;

/** Before, between and after the crowds. */
const floorS = 8;

/** To choose a password, and to sign in with it. */
const hashesEach = 2;

async function run({ stores, options, tell }: Surroundings): Promise<ScenarioResult> {
  const bench = await openBench(stores, {
    subject: 'durable',
    riders: 0,
    checkpointMs,
    hasAccounts: true,
  });
  const floor = startChild('subject', ['hash']);
  const rates: number[] = [];
  const hash = async (): Promise<void> => {
    tell('login: what hashing alone allows');
    rates.push(await floor.ask<number>({ kind: 'hash', seconds: floorS }));
  };
  const crowds: (readonly [size: number, PeopleResult])[] = [];
  try {
    await hash();
    for (const size of options.riders === undefined ? sizes : [options.riders]) {
      tell(`login: ${size} people`);
      crowds.push([size, await crowd(bench, size)]);
      await hash();
    }
  } finally {
    await Promise.all([bench.end(), floor.kill()]);
  }
  const bound = median(rates) / hashesEach;
  const perS = ({ succeeded, elapsedMs }: PeopleResult): number => succeeded / (elapsedMs / 1_000);
  return {
    name: 'login',
    what: `crowds choose a password and sign in with it, all at once, with bcrypt of cost ${hashCost}`,
    tables: [
      {
        title: `Hashing alone does ${rounded(median(rates))} a second, so ${rounded(bound)} people`,
        columns: [
          'people',
          'got in',
          'people/s',
          'of the bound',
          'told to come again',
          'p50 s',
          'all s',
        ],
        rows: crowds.map(([size, result]) => [
          size,
          result.succeeded,
          rounded(perS(result)),
          rounded(perS(result) / bound),
          result.retries,
          rounded(result.durations.p50 / 1_000),
          rounded(result.elapsedMs / 1_000),
        ]),
      },
    ],
    charts: [],
    goals: crowds.flatMap(([size, result]) => [
      {
        what: `of ${size} people got in`,
        measured: result.succeeded,
        limit: { atLeast: size },
        unit: 'people',
      },
      {
        what: `${size} people a second, of what hashing alone allows`,
        measured: perS(result) / bound,
        limit: { atLeast: 0.95 },
        unit: '×',
      },
    ]),
    faults: crowds.flatMap(([size, { failed }]) =>
      Object.entries(failed).map(([what, count]) => `${size} people: ${count} × ${what}`),
    ),
  };
}

/** Everybody has the mail before the clock runs: what is measured is passwords. */
export async function crowd(
  { subject, port }: Pick<Awaited<ReturnType<typeof openBench>>, 'subject' | 'port'>,
  size: number,
): Promise<PeopleResult> {
  const people = Array.from({ length: size }, (_, place) => ({
    email: `rider-${size}-${place}@example.test`,
  }));
  const generator = startChild('generator', ['people']);
  const ask = (question: Omit<PeopleQuestion, 'kind' | 'port'>): Promise<PeopleResult> =>
    generator.ask({ kind: 'people', port, ...question } satisfies PeopleQuestion);
  try {
    await ask({ step: 'ask', people });
    const mails = await subject.ask<Readonly<Record<string, string>>>({ kind: 'mails' });
    return await ask({
      step: 'enter',
      people: people.map(({ email }) => ({ email, token: mails[email] })),
    });
  } finally {
    await generator.kill();
  }
}

export const login: Scenario = {
  what: 'a crowd registers and signs in, beside what hashing alone allows',
  run,
};
