import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';

import { clientFrameSchema } from '../../shared/protocol/frames.ts';
import { workoutCommands, workoutInputSchema } from '../../shared/workout/workout-schemas.ts';
import { builtFile, freshPostgres, freshRedis } from '../support/services/shared-services.ts';
import { readArguments, UsageError } from './arguments.ts';
import { readCorpus } from './corpus.ts';
import { accountRoute, problemWithClose, problemWithStatus, readDocumented } from './documented.ts';
import { endingOf, wireCases } from './frame-inputs.ts';
import { runFuzz } from './fuzz-run.ts';
import { listRoutes } from './list-routes.ts';
import { nameable } from './route-list.ts';
import { valuesOf, type AnySchema } from './schema-arbitrary.ts';
import { shrink } from './shrink.ts';

describe('a short run', () => {
  test('[P1] [P2] [H7] every answer to what is right, almost right and wrong is one the protocol knows', async () => {
    const [postgres, redis] = await Promise.all([freshPostgres(), freshRedis()]);
    const stores = { postgres: postgres.url, redis: redis.url };
    const routes = await listRoutes(stores);
    expect(routes.map(({ method, url }) => `${method} ${url}`)).toContain('POST /v1/sessions');
    const serverFile = await builtFile('server/main');
    const report = await runFuzz(
      { inputs: 2_000, seed: 7, serverFile, stores, routes, screen: { write: () => true } },
      new AbortController().signal,
    );
    expect(report.findings).toEqual([]);
    expect(report.inputs.wire).toBeGreaterThan(500);
    expect(report.inputs.http).toBeGreaterThan(50);
    expect(report.inputs.raw).toBeGreaterThan(5);
    expect(report.heapBeforeBytes).toBeGreaterThan(1_000_000);
    // Every route was reached as far as it goes: no input stops at a door nobody has the key of. Only an operator has that one's.
    const reached = [...report.answers.keys()]
      .filter((answer) => / 20\d$/.test(answer))
      .map((answer) => answer.replace(/ \d+$/, ''));
    const names = nameable(routes).map(({ method, url }) => `${method} ${url}`);
    expect(names).toContain('GET /v1/sessions/:session_id/readers/:reader_id');
    const open = names.filter((name) => !/^HEAD |\/operator$/.test(name));
    expect(reached).toEqual(expect.arrayContaining(open));
  });
});

describe('what is sent', () => {
  test.each([
    ['frames', clientFrameSchema],
    ['what a workout begins with', workoutInputSchema],
    ...Object.entries(workoutCommands),
  ])('values drawn from a schema are values it takes: %s', (_name, schema) => {
    // A plan may be drawn that is longer than a day, which no schema of a field says.
    const shapes = fc.sample(valuesOf(schema as unknown as AnySchema), { seed: 1, numRuns: 200 });
    const taken = shapes.filter((value) => v.safeParse(schema, value).success);
    expect(taken.length).toBeGreaterThan(schema === workoutInputSchema ? 1 : 199);
  });

  test('the same seed sends the same, and both right and wrong frames', () => {
    const cases = wireCases(readCorpus().frames);
    const draw = (seed: number) => fc.sample(cases, { seed, numRuns: 100 });
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    const endings = draw(1).map(({ inputs, isGreeted }) =>
      inputs.some((input) => endingOf(input, isGreeted) !== undefined),
    );
    expect(new Set(endings)).toEqual(new Set([true, false]));
  });
});

describe('how answers are judged', () => {
  const documented = readDocumented();

  test('codes of the tables are right, others and faults of the server are not', () => {
    expect([4001, 4103, 1009].map((code) => problemWithClose(documented, code))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(problemWithClose(documented, 4242)).toMatch(/in no table/);
    expect(problemWithClose(documented, 1006)).toMatch(/in no table/);
    expect(problemWithClose(documented, 4100)).toMatch(/fault of the server/);
  });

  test.each([
    [400, 'bad-request', undefined],
    [200, undefined, undefined],
    [429, 'too-many-sessions', '7'],
  ] as const)('%i with %s is right', (status, code, retryAfter) => {
    expect(problemWithStatus(documented, { status, code, retryAfter })).toBeUndefined();
  });

  test.each([
    [429, 'too-many-sessions', undefined, /without Retry-After/],
    [400, 'teapot', undefined, /came with the code/],
    [418, 'teapot', undefined, /in no table/],
    [500, 'internal', undefined, /fault of the server/],
    [503, 'store-unavailable', '1', /fault of the server/],
  ] as const)('%i with %s is not', (status, code, retryAfter, problem) => {
    expect(problemWithStatus(documented, { status, code, retryAfter })).toMatch(problem);
  });

  test('what account routes answer is judged by their own page', () => {
    const judge = (method: string, path: string, status: number, code?: string) =>
      problemWithStatus(
        documented,
        { status, code, retryAfter: '1' },
        accountRoute(documented, method, path),
      );
    expect(judge('POST', '/v1/logins', 200)).toBeUndefined();
    expect(judge('POST', '/v1/logins', 201)).toMatch(/went well with 201/);
    expect(judge('DELETE', '/v1/logins/abc', 204)).toBeUndefined();
    // To the router nothing is an id as well.
    expect(judge('GET', '/v1/accounts/me/workouts/', 404, 'workout-unknown')).toBeUndefined();
    expect(judge('DELETE', '/v1/logins/abc?x', 200)).toMatch(/went well with 200/);
    expect(judge('POST', '/v1/logins', 401, 'login-refused')).toBeUndefined();
    expect(judge('POST', '/v1/logins', 413, 'body-too-large')).toBeUndefined();
    expect(judge('POST', '/v1/logins', 410, 'session-gone')).toMatch(/came with the code/);
    expect(judge('POST', '/v1/logins', 401, 'token-retired')).toMatch(/came with the code/);
    expect(judge('POST', '/v1/sessions', 401, 'login-refused')).toMatch(/came with the code/);
  });

  test('a failing input is made as small as it can be', async () => {
    const fails = (letters: readonly string[]) =>
      Promise.resolve(letters.includes('x') && letters.includes('y'));
    expect((await shrink([...'a long text with an x in it, and a y'], fails)).join('')).toBe('xy');
  });
});

describe('the command line', () => {
  test('has defaults, and one sentence for a mistake', () => {
    expect(readArguments(['--inputs', '1000'], () => 7)).toEqual({ inputs: 1_000, seed: 7 });
    expect(readArguments(['--help'], () => 7)).toBe('help');
    for (const args of [['--inputs', '5'], ['--seed', 'x'], ['--what']])
      expect(() => readArguments(args, () => 7)).toThrow(UsageError);
  });
});
