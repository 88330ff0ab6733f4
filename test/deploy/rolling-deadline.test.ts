import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { closeCodes } from '../../shared/protocol/close-codes.ts';
import type { ServerFrame } from '../../shared/protocol/frames.ts';
import { builtInPlans } from '../../shared/workout/built-in-plans.ts';
import type { DeployHost } from '../support/deploy-host.ts';
import { attach, createSession } from '../support/raw-client.ts';
import { startSharedHost, startWatchedRiders } from './shared-host.ts';

const kind = 'workout';
const input = { plan: builtInPlans[0]?.plan, ftpW: 200 };

describe('a client that does not move when it is asked to', () => {
  let host: DeployHost;
  beforeAll(async () => {
    host = await startSharedHost({}, { instanceSettings: { DRAIN_GRACE_MS: 2_000 } });
    for (const name of ['r1', 'r2']) await host.release(name);
    const { code, said } = await host.rolling('deploy', 'r1');
    if (code !== 0) throw new Error(said);
  });
  afterAll(() => host.stop());

  test('is closed with 4200 when the grace of the hand-over is over, and the deploy goes on without it', async () => {
    const created = await createSession(host.url, { kind, input });
    const stubborn = await attach(created, { kind });
    // It is there, and hears: only move it does not.
    stubborn.socket.on('message', (bytes: Buffer) => {
      const frame = JSON.parse(bytes.toString('utf8')) as ServerFrame;
      if (frame.type === 'ping') stubborn.send({ type: 'pong', n: frame.n });
    });
    const watched = await startWatchedRiders(host.url, 4);
    const { code, said } = await host.rolling('deploy', 'r2', '--strict');
    // It was asked, in time.
    expect(await stubborn.nextOf('goaway')).toMatchObject({ type: 'goaway' });
    expect((await stubborn.closed).code).toBe(closeCodes.drained);
    expect(closeCodes.drained).toBe(4200);
    // Nobody had to be ended.
    expect(code, said).toBe(0);
    expect(await host.routed()).toEqual(['a.r2', 'b.r2']);
    await watched.areUnharmed();
    // Its code says that it may come back.
    const back = await attach(created, { kind });
    back.socket.close();
  });
});
