import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { replayEntriesMax } from '../../shared/protocol/limits.ts';
import { startServer, type LiveServer } from '../support/live-server.ts';
import {
  adds,
  attach,
  createSession,
  epochOf,
  hello,
  newIncarnation,
  openSocket,
  savedUpTo,
  type Created,
  type RawClient,
} from '../support/raw-client.ts';
import type { TallyState } from '../support/tally.ts';
import { startRouter } from '../support/tcp-router.ts';

let server: LiveServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

const types = (greeting: readonly { readonly type: string }[]): string[] =>
  greeting.map(({ type }) => type);

/** The same session by another way. */
const at = (url: string, created: Created): Created => {
  const { pathname, hash } = new URL(created.resume_url);
  return { ...created, resume_url: `${url}${pathname}${hash}` };
};

/** What came of all commands, in order, as the server has it. */
async function amountsOf({ resume_url: resumeUrl }: Created): Promise<readonly number[]> {
  const { href, hash } = new URL(resumeUrl);
  const headers = { authorization: `Bearer ${hash.slice(1)}` };
  const response = await fetch(href.replace(hash, ''), { headers });
  const { state } = (await response.json()) as { state: TallyState };
  return state.added.map(([, amount]) => amount);
}

describe('resuming', () => {
  test('[R1] exactly the entries after the position are replayed', async () => {
    const created = await createSession(server.url);
    const client = await attach(created);
    client.send(adds(1, 1, 2, 3, 4));
    await client.nextOf('entries');
    const { greeting } = await attach(created, {
      position: { epoch: epochOf(client), offset: 3 },
    });
    expect(types(greeting)).toEqual(['welcome', 'entries', 'live']);
    expect(greeting[1]).toMatchObject({
      entries: [
        { offset: 4, seq: 3 },
        { offset: 5, seq: 4 },
      ],
    });
  });

  test('[R1] nothing missed means nothing sent', async () => {
    const created = await createSession(server.url);
    const first = await attach(created);
    const { greeting } = await attach(created, {
      position: { epoch: epochOf(first), offset: 1 },
    });
    expect(types(greeting)).toEqual(['welcome', 'live']);
  });

  test('[R1] one entry more than a replay may have makes it a snapshot', async () => {
    const created = await createSession(server.url);
    const client = await attach(created);
    for (let seq = 1; seq <= replayEntriesMax + 1; seq += 167) {
      const count = Math.min(167, replayEntriesMax + 2 - seq);
      client.send(adds(seq, ...Array.from({ length: count }, () => 1)));
      await client.nextOf('entries');
    }
    const epoch = epochOf(client);
    const tooFar = await attach(created, { position: { epoch, offset: 1 } });
    expect(types(tooFar.greeting)).toEqual(['welcome', 'snapshot', 'live']);
    const justRight = await attach(created, { position: { epoch, offset: 2 } });
    const replay = justRight.greeting[1];
    expect(replay?.type === 'entries' && replay.entries.length).toBe(replayEntriesMax);
  });

  test('[R2] a client without a position gets a snapshot, also of a session in which nothing happened', async () => {
    const { greeting } = await attach(await createSession(server.url));
    expect(types(greeting)).toEqual(['welcome', 'snapshot', 'live']);
  });

  test('[R3] a position of another epoch gets a snapshot and is told that it was rebuilt', async () => {
    const created = await createSession(server.url);
    await attach(created);
    const { greeting } = await attach(created, { position: { epoch: 'other', offset: 1 } });
    expect(types(greeting)).toEqual(['welcome', 'snapshot', 'live']);
    expect(greeting[0]).toMatchObject({ result: 'rebuilt' });
  });

  test('[R5] a newer connection of the same client puts out the older with 4009', async () => {
    const created = await createSession(server.url);
    const older = await attach(created);
    const newer = await attach(created);
    expect(await older.closed).toMatchObject({ code: 4009 });
    newer.send(adds(1, 1));
    expect(await newer.nextOf('entries')).toMatchObject({ accepted: 1 });
  });

  test.each([
    { held: 'there', known: [] },
    { held: 'back', known: [1, 2, 3] },
  ] as const)(
    '[R5] [C2] commands on their way over the older connection count once, held up on the way $held',
    async ({ held, known }) => {
      const created = await createSession(server.url);
      const router = await startRouter(server.url);
      const older = await attach(at(router.url, created));
      const arrive = router.hold(held);
      older.send(adds(1, 1, 2, 3));
      await expect.poll(() => amountsOf(created)).toEqual(known);
      const newer = await attach(created);
      expect(newer.greeting[0]).toMatchObject({ accepted: known.length });
      // A client sends what is above; even one that sends all of it again does no harm.
      newer.send(adds(1, 1, 2, 3, 4));
      expect(await newer.nextOf('entries')).toMatchObject({ accepted: 4 });
      arrive();
      expect(await older.closed).toMatchObject({ code: 4009 });
      newer.send(adds(5, 5));
      expect(await newer.nextOf('entries')).toMatchObject({ accepted: 5, entries: [{ seq: 5 }] });
      expect(await amountsOf(created)).toEqual([1, 2, 3, 4, 5]);
      await router.stop();
    },
  );

  test('[R5] [R6] commands that race with the newer connection count once, whichever is first', async () => {
    const created = await createSession(server.url);
    let older: RawClient = await attach(created);
    const given = Array.from({ length: 80 }, (_, index) => index + 1);
    for (let seq = 1; seq <= given.length; seq += 4) {
      const newer = await openSocket(created.resume_url);
      const sends = [
        () => older.send(adds(seq, ...given.slice(seq - 1, seq + 2))),
        () => newer.send(hello(created)),
      ];
      for (const send of seq % 8 === 1 ? sends : sends.toReversed()) send();
      const { accepted } = await newer.nextOf('welcome');
      expect([seq - 1, seq + 2]).toContain(accepted);
      await newer.nextOf('live');
      newer.send(adds(accepted + 1, ...given.slice(accepted, seq + 3)));
      expect(await newer.nextOf('entries')).toMatchObject({ accepted: seq + 3 });
      expect(await older.closed).toMatchObject({ code: 4009 });
      older = newer;
    }
    expect(await amountsOf(created)).toEqual(given);
  });

  test('[R6] [C2] resending what was accepted has no effect and is no error', async () => {
    const created = await createSession(server.url);
    const client = await attach(created);
    client.send(adds(1, 1, 2));
    await client.nextOf('entries');
    const again = await attach(created);
    again.send(adds(1, 1, 2, 3));
    expect(await again.nextOf('entries')).toMatchObject({ accepted: 3, entries: [{ seq: 3 }] });
  });

  test('[C3] a gap is answered with the seq expected', async () => {
    const client = await attach(await createSession(server.url));
    client.send(adds(5, 1));
    expect(await client.nextOf('gap')).toEqual({ type: 'gap', expected: 1 });
  });

  test('[C8] another command under an accepted seq is closed with 4204', async () => {
    const created = await createSession(server.url);
    const client = await attach(created);
    client.send(adds(1, 1));
    await client.nextOf('entries');
    const copy = await attach(created);
    copy.send(adds(1, 2));
    expect(await copy.closed).toMatchObject({ code: 4204 });
  });

  test('[R7] a new incarnation begins at seq 1, and welcome names the hashes of the latest accepted commands', async () => {
    const created = await createSession(server.url);
    const client = await attach(created);
    client.send(adds(1, 1));
    await client.nextOf('entries');
    const known = await attach(created);
    expect(known.greeting[0]).toMatchObject({ accepted: 1, hashes: [expect.any(String)] });
    const fresh = await attach(created, { incarnation: newIncarnation() });
    expect(fresh.greeting[0]).toMatchObject({ accepted: 0, hashes: [] });
  });

  test('[C6] checkpointed follows accepted once Postgres has committed', async () => {
    const client = await attach(await createSession(server.url));
    client.send(adds(1, 1, 2));
    expect(await client.nextOf('entries')).toMatchObject({ accepted: 2, checkpointed: 0 });
    expect(await savedUpTo(client, 2)).toEqual({
      type: 'watermarks',
      accepted: 2,
      checkpointed: 2,
    });
  });

  test('[E1] every reader sees the same entries in the same order', async () => {
    const created = await createSession(server.url);
    const first = await attach(created);
    first.send(adds(1, 1));
    const seen = [await first.nextOf('entries')];
    first.send(adds(2, 2_000_000));
    seen.push(await first.nextOf('entries'));
    const second = await attach(created, {
      position: { epoch: epochOf(first), offset: 1 },
    });
    const replay = second.greeting[1];
    expect(replay?.type === 'entries' && replay.entries).toEqual(
      seen.flatMap(({ entries }) => entries),
    );
  });
});
