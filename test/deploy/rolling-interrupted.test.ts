import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { DeployHost } from '../support/deploy-host.ts';
import { startRider, type Rider } from '../support/rider.ts';
import type { Outcome } from '../support/rolling-script.ts';
import { isSaved } from '../support/watching.ts';
import { startSharedHost } from './shared-host.ts';

describe('a deploy that is interrupted', () => {
  let host: DeployHost;
  let rider: Rider;
  const statuses = new Set<string>();
  beforeAll(async () => {
    host = await startSharedHost({ HEALTHY_S: 0.3, SOAK_S: 0.3 });
    for (const name of ['r1', 'r2', 'r3', 'r4', 'r5']) await host.release(name);
    const { code, said } = await host.rolling('deploy', 'r1');
    if (code !== 0) throw new Error(said);
    rider = await startRider(host.url);
    rider.give({ type: 'start', data: {} });
    await rider.when(isSaved);
    rider.session.subscribe(({ status }) => statuses.add(status));
  });
  afterAll(() => host.stop());

  const serves = async (release: string): Promise<void> => {
    expect(await host.routed()).toEqual([`a.${release}`, `b.${release}`]);
    rider.give({ type: 'sample', data: { powerW: 200 } });
    expect((await rider.when(isSaved)).state).toEqual(rider.expected());
    expect(statuses.has('reconnecting')).toBe(false);
    expect(await host.rolling('verify')).toMatchObject({ code: 0 });
  };

  const live = async (): Promise<string> => ((await host.routed())[0] ?? '').slice(2);

  const steps = ['start', 'try', 'route', 'hand-over', 'soak', 'retire'];
  const everyStep = ['a', 'b'].flatMap((slot) => steps.map((name) => `${slot}:${name}`));

  test('branch F6: killed with -9 at every step, and resumed each time, it ends as if nothing had been', async () => {
    for (const [index, name] of everyStep.entries())
      expect(
        await host.killedAt(name, ...(index === 0 ? ['deploy', 'r2'] : ['resume'])),
        name,
      ).toBe(true);
    const { code, said } = await host.rolling('resume');
    expect(code, said).toBe(0);
    await serves('r2');
    expect(await instancesLeft()).toEqual(['a.r2', 'b.r2']);
  }, 900_000);

  test.each(['a:start', 'a:route', 'a:retire', 'b:hand-over'])(
    'branch F6: killed at %s and aborted, the former release serves',
    async (name) => {
      const former = await live();
      expect(await host.killedAt(name, 'deploy', 'r3')).toBe(true);
      const other = await host.rolling('deploy', 'r4');
      expect(other).toMatchObject({ code: 70, said: expect.stringMatching(/resume.*abort/) });
      const { code, said } = await host.rolling('abort');
      expect(code, said).toBe(0);
      await serves(former);
      expect(await instancesLeft()).toEqual([`a.${former}`, `b.${former}`]);
    },
  );

  test('branch F6: whom a signal stops says where, and goes on from there', async () => {
    for (const [signal, name, words] of [
      ['SIGHUP', 'a:start', ['deploy', 'r3']],
      ['SIGTERM', 'a:hand-over', ['resume']],
      ['SIGTERM', 'b:soak', ['resume']],
    ] as const) {
      const { code, said } = await host.signalledAt(signal, name, ...words);
      expect(code, said).toBe(130);
      expect(said.split('\n').at(-1)).toBe(
        `Stopped at ${name}: rolling.sh resume goes on, rolling.sh abort takes it back.`,
      );
    }
    const { code, said } = await host.rolling('resume');
    expect(code, said).toBe(0);
    await serves('r3');
    expect(await host.rolling('rollback')).toMatchObject({ code: 0 });
  });

  test('branch F6: killed while it takes back, it goes on taking back', async () => {
    const former = await live();
    expect(await host.killedAt('b:route', 'deploy', 'r3')).toBe(true);
    expect(await host.killedAt('all:restore', 'abort')).toBe(true);
    expect(await host.killedAt('all:discard', 'resume')).toBe(true);
    const { code, said } = await host.rolling('resume');
    expect(code, said).toBe(0);
    await serves(former);
  });

  test('of two deploys at once the second one is refused, and says who holds the lock', async () => {
    let second: Promise<{ code: number | null; said: string }> | undefined;
    const first = await host.watched(
      (step) => {
        if (step === 'a:try') second = host.rolling('deploy', 'r4');
      },
      'deploy',
      'r5',
    );
    expect(first.code, first.said).toBe(0);
    expect(await second).toMatchObject({
      code: 75,
      said: expect.stringMatching(/Another deploy is under way: deploy r5 by \S+, pid \d+/),
    });
    await serves('r5');
  });

  test('a lock is only taken away by force, and whoever had it stops at its next step', async () => {
    expect(await host.rolling('unlock')).toMatchObject({ code: 0, said: 'Nothing is locked.' });
    // Enough steps follow, each seconds long, for the lock to be gone at one of them.
    await host.configure({ HEALTHY_S: 0.3, SOAK_S: 3 });
    let taken: Promise<Outcome[]> | undefined;
    const first = await host.watched(
      (step) => {
        if (step === 'a:try')
          taken = (async () => [
            await host.rolling('unlock'),
            await host.rolling('unlock', '--force'),
          ])();
      },
      'deploy',
      'r4',
    );
    expect(await taken).toMatchObject([
      { code: 75, said: expect.stringMatching(/^Held by: deploy r4 .*--force\.$/) },
      { code: 0, said: expect.stringMatching(/^The lock was taken away from: deploy r4/) },
    ]);
    expect(first.code, first.said).toBe(130);
    expect(first.said).toMatch(/The lock was taken away from this one: rolling\.sh resume/);
    await host.configure({ HEALTHY_S: 0.3, SOAK_S: 0.3 });
    const aborted = await host.rolling('abort');
    expect(aborted.code, aborted.said).toBe(0);
    await serves('r5');
  });

  test('branch F5: an instance that is frozen during its hand-over is ended at the deadline, and that is told', async () => {
    await host.configure({ HEALTHY_S: 0.3, SOAK_S: 0.3, DRAIN_DEADLINE_S: 1, STOP_S: 1 });
    const frozen = Number((await host.driver('alive', 'a.r5')).stdout.split('/')[0]);
    const { code, said } = await host.watched(
      (step) => {
        if (step === 'a:hand-over') process.kill(frozen, 'SIGSTOP');
      },
      'deploy',
      'r1',
      '--strict',
    );
    expect(code, said).toBe(40);
    expect(said).toContain('still holds');
    expect((await host.audit()).map(({ action }) => action)).toContain('killed');
    expect(await host.routed()).toEqual(['a.r1', 'b.r1']);
  });

  test('branch F4: an instance that dies after it was routed to is replaced by the former one', async () => {
    const { code, said } = await host.watched(
      (step) => {
        if (step === 'b:soak') void host.driver('kill', 'b.r2');
      },
      'deploy',
      'r2',
    );
    expect(code, said).toBe(31);
    expect(await host.routed()).toEqual(['a.r1', 'b.r1']);
    rider.give({ type: 'sample', data: { powerW: 210 } });
    expect((await rider.when(isSaved)).state).toEqual(rider.expected());
  });

  test('everything that was done stands in the audit log', async () => {
    const actions = (await host.audit()).map(({ action }) => action);
    // One for each that was killed, for the signals, and for what was killed twice while it took back.
    expect(actions.filter((action) => action === 'resume').length).toBe(everyStep.length + 3 + 2);
    for (const action of ['deploy', 'deploy-done', 'abort', 'deploy-undone', 'deploy-failed'])
      expect(actions).toContain(action);
    const text = await readFile(join(host.folder, 'state/audit.jsonl'), 'utf8');
    expect(text).not.toContain('thirty-two');
  });

  /** With a process that lives. */
  async function instancesLeft(): Promise<string[]> {
    const { stdout } = await host.rolling('status');
    const [line = ''] = stdout.split('\n').slice(-1);
    const { instances } = JSON.parse(line) as { instances: { instance: string; life?: string }[] };
    return instances.filter(({ life }) => life !== undefined).map(({ instance }) => instance);
  }
});
