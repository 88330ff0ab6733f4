import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readdirSync, readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

import bcrypt from 'bcryptjs';
import { Client } from 'pg';
import { afterEach, describe, expect, test } from 'vitest';

import { bcryptInput } from '../../server/accounts/password-rules.ts';
import {
  HashingBusyError,
  secondsInLine,
  startHasher,
  type HasherOptions,
  type PasswordHasher,
} from '../../server/hashing/password-hasher.ts';
import { freshPostgres } from '../support/services/shared-services.ts';

const started: PasswordHasher[] = [];
const watches: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of watches.splice(0)) end();
  await Promise.all(started.splice(0).map((hasher) => hasher.close()));
});

async function start(options: Partial<HasherOptions> = {}): Promise<PasswordHasher> {
  const hasher = await startHasher({
    cost: 6,
    workerCount: 1,
    waitingMax: 100,
    isHoldingConnection: () => false,
    ...options,
  });
  started.push(hasher);
  return hasher;
}

describe('hashes', () => {
  test('are standard bcrypt: another implementation checks ours, ours checks what another one made', async () => {
    const hasher = await start();
    const hash = await hasher.hash('correct horse');
    expect(hash).toMatch(/^\$2b\$06\$/);
    expect(bcrypt.compareSync('correct horse', hash)).toBe(true);
    expect(await hasher.verify('correct horse', hash)).toMatchObject({ isRight: true });
    // The revisions other implementations write; crypt(3) calls the same algorithm 2y.
    for (const made of [
      bcrypt.hashSync('correct horse', 5),
      bcrypt.hashSync('correct horse', 5).replace('$2b$', '$2y$'),
    ])
      expect(await hasher.verify('correct horse', made)).toMatchObject({ isRight: true });
  });

  test('are those of a native implementation, in both directions: pgcrypto’s', async () => {
    const hasher = await start();
    const client = new Client({ connectionString: (await freshPostgres()).url });
    await client.connect();
    await client.query('create extension pgcrypto');
    const password = bcryptInput('ein langes Passwort, länger als es bcrypt liest: '.repeat(2));
    // pgcrypto knows the algorithm by its former name.
    const ours = (await hasher.hash(password)).replace('$2b$', '$2a$');
    const { rows } = await client.query<{ same: boolean; theirs: string }>(
      `select crypt($1, $2) = $2 as same, crypt($1, gen_salt('bf', 5)) as theirs`,
      [password, ours],
    );
    await client.end();
    expect(rows[0]?.same).toBe(true);
    expect(await hasher.verify(password, rows[0]?.theirs)).toMatchObject({ isRight: true });
    expect(await hasher.verify(`${password}!`, rows[0]?.theirs)).toMatchObject({ isRight: false });
  });

  test('of a lower cost are outdated, of the same or a higher one are not', async () => {
    const hasher = await start();
    expect([5, 6, 7].map((cost) => hasher.isOutdated(bcrypt.hashSync('x', cost)))).toEqual([
      true,
      false,
      false,
    ]);
  });

  test('cost the same work whether the password is right, wrong, of a cheaper hash, or of nobody', async () => {
    const hasher = await start({ cost: 8 });
    const current = bcrypt.hashSync('right', 8);
    const cheaper = bcrypt.hashSync('right', 5);
    const verdicts = await Promise.all([
      hasher.verify('right', current),
      hasher.verify('wrong', current),
      hasher.verify('wrong', cheaper),
      hasher.verify('right', undefined),
    ]);
    expect(verdicts.map(({ isRight }) => isRight)).toEqual([true, false, false, false]);
    expect(verdicts.map(({ rounds }) => rounds)).toEqual([256, 256, 256, 256]);
  });
});

describe('the threads', () => {
  test('refuse at once what is more than may wait, and say how long the line is', async () => {
    const hasher = await start({ waitingMax: 3 });
    const taken = Array.from({ length: 4 }, () => hasher.hash('one of many'));
    const refusal: unknown = await hasher.hash('one too many').catch((error: unknown) => error);
    expect(hasher.pendingCount()).toBe(4);
    expect(refusal).toBeInstanceOf(HashingBusyError);
    expect((refusal as HashingBusyError).retryAfterS).toBe(secondsInLine(4, hasher.hashMs(), 1));
    expect(await Promise.all(taken)).toHaveLength(4);
    expect(hasher.pendingCount()).toBe(0);
    expect(await hasher.hash('room again')).toMatch(/^\$2b\$/);
  });

  test('tell the length of the line in seconds: its hashes, over the threads there are', () => {
    expect([secondsInLine(51, 250, 1), secondsInLine(51, 250, 3)]).toEqual([13, 5]);
    expect(secondsInLine(1, 5, 1)).toBe(1);
  });

  test('refuse also who would wait so long that the connection ends before the answer', async () => {
    const hasher = await start({ waitMsMax: 0 });
    const taken = hasher.hash('the one under way');
    await expect(hasher.hash('one that waits')).rejects.toThrow(HashingBusyError);
    expect(await taken).toMatch(/^\$2b\$/);
  });

  test('serve whoever came first first', async () => {
    const hasher = await start({ cost: 4 });
    const crowd = Array.from({ length: 30 }, (_, place) => place);
    const served: number[] = [];
    // Each comes again at once, as who chose a password signs in with it: behind all who wait.
    const come = (place: number): Promise<unknown> =>
      hasher.hash('one of many').then(() => served.push(place));
    await Promise.all(crowd.map((place) => come(place).then(() => come(place))));
    expect(served).toEqual([...crowd, ...crowd]);
  });

  test('the time to wait follows what a hash really takes', async () => {
    // Two hundred and fifty times the work: more than a busy machine makes of one of them.
    const cheap = await start({ cost: 4 });
    const dear = await start({ cost: 12 });
    expect(dear.hashMs()).toBeGreaterThan(cheap.hashMs());
  });

  test('give way to live sessions: on Linux theirs is a lower priority than that of the one that serves', async () => {
    const before = niceness();
    await start({ workerCount: 1 });
    const after = niceness();
    expect(after.filter((nice) => nice >= 10).length).toBe(
      before.filter((nice) => nice >= 10).length + 1,
    );
    expect(niceness(process.pid)).toEqual([before[0]]);
  });

  test('may break: who waits for one is told, whoever waits in line is served by the next', async () => {
    const { hasher, threads } = await watched(() => start());
    // A minute's work: none that is done before its thread breaks, however late this process gets its turn.
    const long = `$2b$20$${'a'.repeat(53)}`;
    const [broken, next] = [hasher.verify('one', long), hasher.hash('another')];
    await threads[0]?.terminate();
    await expect(broken).rejects.toThrow('worker exited');
    expect(await next).toMatch(/^\$2b\$/);
    expect(hasher.pendingCount()).toBe(0);
    expect(threads).toHaveLength(2);
  });

  test('may break with nothing to do: it is told of, and the process goes on', async () => {
    const errors: string[] = [];
    const reportError = (error: Error): void => void errors.push(error.message);
    const { hasher, threads } = await watched(() => start({ reportError }));
    threads[0]?.emit('error', new Error('out of memory'));
    expect(errors).toEqual(['out of memory']);
    expect(await hasher.hash('one')).toMatch(/^\$2b\$/);
  });

  test('refuse a caller that holds a database connection', async () => {
    let isHolding = false;
    const hasher = await start({ isHoldingConnection: () => isHolding });
    isHolding = true;
    await expect(hasher.hash('x')).rejects.toThrow(/while a database connection is held/);
    await expect(hasher.verify('x', undefined)).rejects.toThrow(
      /while a database connection is held/,
    );
  });
});

/** The hasher, and every thread it starts from now on. */
async function watched(begin: () => Promise<PasswordHasher>) {
  const threads: Worker[] = [];
  const watch = (message: unknown): void => {
    if (message instanceof Object && 'worker' in message && message.worker instanceof Worker)
      threads.push(message.worker);
  };
  subscribe('worker_threads', watch);
  watches.push(() => unsubscribe('worker_threads', watch));
  return { hasher: await begin(), threads };
}

/** Of every thread of this process, or of one. Field 19 of /proc/[pid]/stat; the name before it may hold spaces. */
function niceness(thread?: number): number[] {
  const threads = thread === undefined ? readdirSync('/proc/self/task') : [String(thread)];
  return threads.map((id) => {
    const stat = readFileSync(`/proc/self/task/${id}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
  });
}
