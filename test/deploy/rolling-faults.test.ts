import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import type { DeployHost } from '../support/deploy-host.ts';
import { startRider, type Rider } from '../support/rider.ts';
import { isSaved } from '../support/watching.ts';
import { badReleases } from './bad-releases.ts';
import { loadPage } from './page-load.ts';
import { startSharedHost } from './shared-host.ts';

describe('what can be wrong with a deploy ends in one clear sentence, and the riders do not notice', () => {
  let host: DeployHost;
  let rider: Rider;
  const statuses = new Set<string>();
  beforeAll(async () => {
    host = await startSharedHost();
    await host.release('good');
    for (const [name, before] of Object.entries(badReleases)) await host.release(name, before);
    const { code, said } = await host.rolling('deploy', 'good');
    if (code !== 0) throw new Error(said);
    rider = await startRider(host.url);
    rider.give({ type: 'start', data: {} });
    await rider.when(isSaved);
    rider.session.subscribe(({ status }) => statuses.add(status));
  });
  afterAll(() => host.stop());

  /** The deploy ends so, the good release serves, and the rider has never been without a connection. */
  const endsIn = async (
    expected: { readonly code: number; readonly says: RegExp; readonly because?: RegExp },
    ...words: readonly string[]
  ): Promise<void> => {
    const { code, said } = await host.rolling(...words);
    expect(said).toMatch(expected.because ?? /^/);
    expect(said.split('\n').at(-1)).toMatch(expected.says);
    expect(code, said).toBe(expected.code);
    expect(await host.routed()).toEqual(['a.good', 'b.good']);
    rider.give({ type: 'sample', data: { powerW: 200 } });
    expect((await rider.when(isSaved)).state).toEqual(rider.expected());
    expect([...statuses].filter((status) => !['connected', 'moving'].includes(status))).toEqual([]);
  };
  /** Before anything begins. */
  const refused = (because: RegExp): Promise<void> =>
    endsIn(
      { code: 10, says: /^The preflight failed; nothing was changed\.$/, because },
      'deploy',
      'slow',
    );
  const configured = async (more: Record<string, string | number>): Promise<void> => {
    await host.configure(more);
    onTestFinished(() => host.configure({}));
  };
  const loaded = (perS: number): void => onTestFinished(loadPage(host.url, perS));

  test('a release that is not there', () =>
    endsIn({ code: 11, says: /could not be brought here; nothing was changed/ }, 'deploy', 'gone'));

  test('a name that is no name of a release', () =>
    endsIn({ code: 2, says: /A release is named with/ }, 'deploy', '../etc'));

  test('a release that already serves', () =>
    endsIn({ code: 10, says: /The preflight failed; nothing was changed/ }, 'deploy', 'good'));

  test('an option that does not exist', () =>
    endsIn({ code: 2, says: /There is no option --forec/ }, 'deploy', 'good', '--forec'));

  test('an environment without a key the server needs', async () => {
    const text = await readFile(host.envFile, 'utf8');
    onTestFinished(() => writeFile(host.envFile, text));
    await writeFile(host.envFile, text.replace(/^TRACKSTAND_SECRET.*\n/m, ''));
    await refused(/^TRACKSTAND_SECRET is missing in \S+\.$/m);
  });

  test('an environment file that others may read', async () => {
    await chmod(host.envFile, 0o644);
    onTestFinished(() => chmod(host.envFile, 0o600));
    await refused(/^\S+ holds secrets and others may read it: chmod 600\.$/m);
  });

  test('a proxy that remembers failures', async () => {
    const file = join(host.nginx.configFolder, 'trackstand.conf');
    const text = await readFile(file, 'utf8');
    onTestFinished(() => writeFile(file, text));
    await writeFile(file, text.replace(' max_fails=0;', ' max_fails=1;'));
    await refused(/^\S+: each server needs max_fails=0,.*\.$/m);
  });

  test('branch F1: a release that never gets ready', async () => {
    await configured({ READY_DEADLINE_S: 2 });
    await endsIn(
      { code: 20, says: /hangs was taken back: it does not get ready/ },
      'deploy',
      'hangs',
    );
  });

  test('branch F1: a release that ends after 3 s, before it got any traffic', async () => {
    await configured({ HEALTHY_S: 15 });
    await endsIn(
      { code: 20, says: /exits was taken back: it does not get ready/ },
      'deploy',
      'exits',
    );
  });

  test('branch F3: a release that answers 2 % errors', async () => {
    await configured({ SOAK_S: 20 });
    loaded(400);
    await endsIn({ code: 30, says: /errs was taken back: it does worse/ }, 'deploy', 'errs');
  });

  test('branch F3: a release that is 500 ms slower', async () => {
    await configured({ SOAK_S: 10 });
    loaded(100);
    await endsIn({ code: 30, says: /slow was taken back: it does worse/ }, 'deploy', 'slow');
  });

  test('a disk that gets full while a release is unpacked leaves nothing of it', async () => {
    const folder = join(host.folder, 'releases');
    await mkdir(join(host.folder, 'pack/dist/server'), { recursive: true });
    await writeFile(join(host.folder, 'pack/dist/server/main.js'), Buffer.alloc(4_000_000));
    execFileSync('tar', ['-czf', join(folder, 'large.tgz'), '-C', join(host.folder, 'pack'), '.']);
    onTestFinished(() => rm(join(folder, 'large.tgz')));
    host.limitFileBytes(1_000_000);
    onTestFinished(() => host.limitFileBytes(undefined));
    await endsIn(
      { code: 11, says: /could not be brought here; nothing was changed/ },
      'deploy',
      'large',
    );
    expect((await host.driver('releases', '-')).stdout).not.toContain('large');
  });

  test('a disk that gets full in the middle of a deploy: it stands still where it is, and is gone on with', async () => {
    const draft = join(host.folder, 'state/journal.next');
    await host.release('fine');
    const { code, said } = await host.watched(
      (step) => {
        if (step === 'a:try') symlinkSync('/dev/full', draft);
      },
      'deploy',
      'fine',
    );
    expect(said.split('\n').at(-1)).toMatch(
      /^The journal cannot be written to \S+: the disk may be full\./,
    );
    expect(code).toBe(10);
    await rm(draft);
    await endsIn({ code: 0, says: /^The deploy of fine was taken back\.$/ }, 'abort');
  });

  test('a slot that has died: the deploy says so, and boot brings it back', async () => {
    await host.driver('kill', 'b.good');
    const { code, said } = await host.rolling('deploy', 'slow');
    expect(code, said).toBe(10);
    expect(said).toMatch(
      /^Slot b \(b\.good\) does not answer: rolling\.sh boot starts it again\.\nThe preflight failed; nothing was changed\.$/m,
    );
    expect(await host.rolling('boot')).toMatchObject({ code: 0, said: 'Release good serves.' });
    expect(await host.routed()).toEqual(['a.good', 'b.good']);
    expect(await host.rolling('verify')).toMatchObject({ code: 0 });
    // Whoever was there has come back by the other slot.
    rider.give({ type: 'sample', data: { powerW: 200 } });
    expect((await rider.when(isSaved)).state).toEqual(rider.expected());
    statuses.clear();
  });

  test('a proxy that is down', async () => {
    await host.nginx.kill();
    const { code, said } = await host.rolling('deploy', 'slow');
    expect(code, said).toBe(10);
    expect(said).toMatch(
      /^The proxy does not answer at \S+, or no instance behind it\.\nThe preflight failed; nothing was changed\.$/m,
    );
    expect(await host.routed()).toEqual(['a.good', 'b.good']);
    await host.nginx.start();
    // Whoever was cut off by the proxy comes back, and what was ridden meanwhile with them.
    rider.give({ type: 'sample', data: { powerW: 200 } });
    expect((await rider.when(isSaved)).state).toEqual(rider.expected());
  });
});
