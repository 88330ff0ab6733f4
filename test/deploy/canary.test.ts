import { createRequire } from 'node:module';

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import type { DeployHost } from '../support/deploy-host.ts';
import { startSharedHost, startWatchedRiders, type WatchedRiders } from './shared-host.ts';

/** Code that a bad release runs before the real server. Every request is answered as ever. */
const bad = {
  // Whatever comes on a WebSocket fails, as an error in the code that resumes would.
  refuses: `
    import { createRequire } from 'node:module';
    const { WebSocket } = createRequire(${JSON.stringify(createRequire(import.meta.url).resolve('ws'))})('ws');
    const emit = WebSocket.prototype.emit;
    WebSocket.prototype.emit = function (name, ...values) {
      if (name !== 'message') return Reflect.apply(emit, this, [name, ...values]);
      this.close(4100, 'internal');
      return true;
    };`,
  // Every two seconds it does nothing else for more than one.
  blocks: `
    setInterval(() => {
      const endMs = Date.now() + 1_200;
      while (Date.now() < endMs);
    }, 2_000);`,
};

describe('a release that answers requests well is judged by what else it does', () => {
  let host: DeployHost;
  let watched: WatchedRiders;
  beforeAll(async () => {
    // The grace is what a busy machine may need to notice; nobody waits for its end.
    host = await startSharedHost(
      { SOAK_SAMPLES: 0, DRAIN_DEADLINE_S: 300 },
      { instanceSettings: { DRAIN_GRACE_MS: 240_000 } },
    );
    await host.release('good');
    for (const [name, before] of Object.entries(bad)) await host.release(name, before);
    const { code, said } = await host.rolling('deploy', 'good');
    if (code !== 0) throw new Error(said);
    watched = await startWatchedRiders(host.url, 24);
  });
  afterAll(() => host.stop());

  const configured = async (more: Record<string, string | number>): Promise<void> => {
    await host.configure(more);
    onTestFinished(() => host.configure({}));
  };

  test.each([
    ['canary', ['canary', 'refuses', '--steps', '25,100']],
    ['deploy', ['deploy', 'refuses']],
    ['switch', ['switch', 'refuses']],
  ])(
    'branch F3: %s: who does not welcome those that move is found out while they still have their connection',
    async (_, words) => {
      const { code, said } = await host.rolling(...words);
      expect(code, said).toBe(30);
      expect(said).toMatch(/\d+ of \d+ connections to it were not welcomed, beside 0 of \d+\./);
      expect(said.split('\n').at(-1)).toBe(
        'Release refuses was taken back: it does worse than the one before.',
      );
      expect(await host.routed()).toEqual(['a.good', 'b.good']);
      await watched.areUnharmed();
    },
  );

  test('a canary that too few have resumed on is held, and then taken back rather than promoted', async () => {
    await configured({ SOAK_CONNECTIONS: 100_000, HOLD_S: 1 });
    await host.release('unknown');
    const { code, said } = await host.rolling('canary', 'unknown');
    expect(code, said).toBe(14);
    expect(said).toMatch(/there were not enough requests and connections to judge it\.$/);
    expect(await host.routed()).toEqual(['a.good', 'b.good']);
    await watched.areUnharmed();
  });

  test('branch F3: a release whose event loop is late is taken back', async () => {
    // What a process says of its event loop, it says every 10 s.
    await configured({ SOAK_S: 15, LATE_MS: 500 });
    const { code, said } = await host.rolling('deploy', 'blocks');
    expect(code, said).toBe(30);
    expect(said).toMatch(/its event loop is up to \d+ ms late, beside \d+ ms/);
    expect(await host.routed()).toEqual(['a.good', 'b.good']);
    await watched.areUnharmed();
  });
});
