import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import type { DeployHost } from '../support/deploy-host.ts';
import { startRider, type Rider } from '../support/rider.ts';
import { isSaved } from '../support/watching.ts';
import { startSharedHost } from './shared-host.ts';

/** Code that a bad release runs before the real server. */
const bad = {
  exits: `setTimeout(() => process.exit(1), 3_000);`,
  hangs: `setInterval(() => {}, 1_000); await new Promise(() => {});`,
  errs: `
    import { Server } from 'node:http';
    const emit = Server.prototype.emit;
    let count = 0;
    Server.prototype.emit = function (name, request, response) {
      if (name === 'request' && request.url === '/' && ++count % 50 === 0) {
        response.writeHead(500).end();
        return true;
      }
      return Reflect.apply(emit, this, arguments);
    };`,
  slow: `
    import { Server } from 'node:http';
    const emit = Server.prototype.emit;
    Server.prototype.emit = function (name, request) {
      if (name !== 'request' || request.url !== '/') return Reflect.apply(emit, this, arguments);
      setTimeout(() => Reflect.apply(emit, this, arguments), 500);
      return true;
    };`,
};

describe('what can be wrong with a deploy ends in one clear sentence, and the riders do not notice', () => {
  let host: DeployHost;
  let rider: Rider;
  const statuses = new Set<string>();
  beforeAll(async () => {
    host = await startSharedHost();
    await host.release('good');
    for (const [name, before] of Object.entries(bad)) await host.release(name, before);
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
    expected: { readonly code: number; readonly says: RegExp },
    ...words: readonly string[]
  ): Promise<void> => {
    const { code, said } = await host.rolling(...words);
    expect(said.split('\n').at(-1)).toMatch(expected.says);
    expect(code, said).toBe(expected.code);
    expect(await host.routed()).toEqual(['a.good', 'b.good']);
    rider.give({ type: 'sample', data: { powerW: 200 } });
    expect((await rider.when(isSaved)).state).toEqual(rider.expected());
    expect([...statuses].filter((status) => !['connected', 'moving'].includes(status))).toEqual([]);
  };
  const configured = async (more: Record<string, string | number>): Promise<void> => {
    await host.configure(more);
    onTestFinished(() => host.configure({}));
  };
  /** Open-loop requests for the page, until the test is over. */
  const loaded = (perS: number): void => {
    const agent = new Agent({ keepAlive: true, maxSockets: 50 });
    const timer = setInterval(() => {
      for (let count = 0; count < perS / 20; count++) {
        const sent = request(`${host.url}/`, { agent }, (response) => response.resume());
        sent.on('error', () => {});
        sent.end();
      }
    }, 50);
    onTestFinished(() => {
      clearInterval(timer);
      agent.destroy();
    });
  };

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
    const { code, said } = await host.rolling('deploy', 'slow');
    expect({ code, said }).toEqual({
      code: 10,
      said: expect.stringContaining('TRACKSTAND_SECRET is missing'),
    });
  });

  test('an environment file that others may read', async () => {
    await chmod(host.envFile, 0o644);
    onTestFinished(() => chmod(host.envFile, 0o600));
    const { code, said } = await host.rolling('deploy', 'slow');
    expect({ code, said }).toEqual({ code: 10, said: expect.stringContaining('chmod 600') });
  });

  test('a proxy that remembers failures', async () => {
    const file = join(host.nginx.configFolder, 'trackstand.conf');
    const text = await readFile(file, 'utf8');
    onTestFinished(() => writeFile(file, text));
    await writeFile(file, text.replace(' max_fails=0;', ' max_fails=1;'));
    const { code, said } = await host.rolling('deploy', 'slow');
    expect({ code, said }).toEqual({ code: 10, said: expect.stringContaining('max_fails=0') });
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
    expect({ code, said }).toEqual({ code: 10, said: expect.stringContaining('rolling.sh boot') });
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
    expect({ code, said }).toEqual({
      code: 10,
      said: expect.stringContaining('The proxy does not answer'),
    });
    await host.nginx.start();
    await rider.when(isSaved);
  });
});
