/** Stores that answer late, while the connection that asked has gone, or another one has come. */
import { beforeEach, describe, expect, test } from 'vitest';

import type { ConnectionParts } from '../../server/gateway/connection-parts.ts';
import { Connection } from '../../server/gateway/connection.ts';
import type { Socket } from '../../server/gateway/socket.ts';
import { SessionRegistry } from '../../server/session/session-registry.ts';
import { defaultLimits, helloTimeoutMs } from '../../shared/protocol/limits.ts';
import { manualClock, type ManualClock } from '../support/manual-clock.ts';
import { memoryJournal } from '../support/memory-journal.ts';
import { tally } from '../support/tally.ts';

const hello = {
  type: 'hello',
  token: 'good',
  incarnation: 'incarnation-0000000001',
  kind: 'tally',
  version: 1,
};
const remind = { type: 'remind', input: { bound: 9 }, origin: 'proven' };

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
};

describe('answers of the stores that come late', () => {
  let clock: ManualClock;
  let registry: SessionRegistry;
  let parts: ConnectionParts;
  /** Each lets one `create` of Postgres answer; the row is there at once. */
  let creations: (() => void)[];
  /** Each lets one look for older hashes answer. */
  let recalls: (() => void)[];

  beforeEach(() => {
    clock = manualClock();
    [creations, recalls] = [[], []];
    const postgres = memoryJournal({ keepsAll: true });
    let [idCount, arrivals] = [0, 0];
    const common = { clock, limits: defaultLimits, reportError: () => {} };
    const create: typeof postgres.create = async (session) => {
      const created = await postgres.create(session);
      await new Promise<void>((resolve) => creations.push(resolve));
      return created;
    };
    registry = new SessionRegistry({
      ...common,
      journals: { checkpoints: { ...postgres, create } },
      models: new Map([['tally', tally]]),
      newId: () => `id-${++idCount}`,
      release: 'test',
      issueToken: () => 'next',
      signPosition: () => 'p',
      checkpointMs: 1_000,
      detachedGraceMs: 1_000,
    });
    parts = {
      ...common,
      registry,
      versions: { tally: 1 },
      isTakenBack: () => Promise.resolve(false),
      proveToken: (_sessionId, _clientId, token) => (token === 'good' ? 1 : undefined),
      isProven: () => false,
      proveOrigin: (_origin, proof) => (proof === 'proven' ? clock.nowMs() : undefined),
      countArrival: () => ++arrivals,
    };
  });

  function opened() {
    const sent: { readonly type: string }[] = [];
    const closes: string[] = [];
    const socket: Socket = {
      bufferedAmount: 0,
      send: (text) => void sent.push(JSON.parse(text) as { type: string }),
      close: (code, reason) => void closes.push(`${code} ${reason}`),
      terminate: () => {},
    };
    const connection = new Connection(socket, { sessionId: 's', clientId: 'c' }, parts);
    const receive = async (frame: object): Promise<void> => {
      connection.receive(JSON.stringify(frame));
      await settle();
    };
    return { sent, closes, connection, receive };
  }

  async function answer(waiting: (() => void)[]): Promise<void> {
    waiting.shift()?.();
    await settle();
  }

  test('[R12] a reminder that came in time is served, however slow Postgres is', async () => {
    const { sent, closes, receive } = opened();
    await receive(hello);
    expect(sent).toEqual([{ type: 'forgotten' }]);
    clock.pass(helloTimeoutMs - 1);
    await receive(remind);
    clock.pass(helloTimeoutMs);
    await answer(creations);
    expect(closes).toEqual([]);
    expect(sent.at(-1)).toMatchObject({ type: 'live' });
  });

  test('[R12] [H2] one that does not come in time ends the connection, and not the session for that client', async () => {
    const { closes, receive } = opened();
    await receive(hello);
    clock.pass(helloTimeoutMs);
    expect(closes).toEqual(['4108 remind-timeout: no reminder came in time']);
  });

  test('[R5] a connection that has gone while its session was begun again puts nobody out', async () => {
    const first = opened();
    await first.receive(hello);
    await first.receive(remind);
    first.connection.gone();
    const second = opened();
    await second.receive(hello);
    expect(second.sent.at(-1)).toMatchObject({ type: 'live' });
    await answer(creations);
    expect(second.closes).toEqual([]);
  });

  test('[R12] a second reminder is an error, and leaves no reader behind', async () => {
    const { closes, receive } = opened();
    await receive(hello);
    await receive(remind);
    await receive(remind);
    await answer(creations);
    expect(closes).toEqual(['4001 bad-frame: Only what was forgotten is reminded of.']);
    const found = await registry.find('s', undefined);
    expect(found.kind === 'host' && found.host.readers.size).toBe(0);
  });

  test('[D3] a session that is opened when the others were let go already takes nothing more', async () => {
    const { sent, closes, receive } = opened();
    await receive(hello);
    await receive(remind);
    await registry.retireAll(4200, 'the instance is shutting down');
    await answer(creations);
    await receive({ type: 'commands', seq: 1, commands: [['add', { amount: 1 }, 1]] });
    expect(closes).toEqual(['4200 the instance is shutting down']);
    expect(sent).toEqual([{ type: 'forgotten' }]);
    expect(registry.hosts.size).toBe(0);
  });

  test('[R5] an older connection whose hashes took long does not put out the newer one', async () => {
    const begun = opened();
    await begun.receive(hello);
    await begun.receive(remind);
    await answer(creations);
    registry.prepare = () => new Promise((resolve) => recalls.push(() => resolve(undefined)));
    const older = opened();
    await older.receive(hello);
    const newer = opened();
    await newer.receive(hello);
    const [answerOlder, answerNewer] = recalls;
    answerNewer?.();
    await settle();
    answerOlder?.();
    await settle();
    expect(newer.closes).toEqual([]);
    expect(older.closes).toEqual([expect.stringMatching(/^4009 replaced/)]);
  });
});
