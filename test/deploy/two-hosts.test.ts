import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';

import { nothing, underLoad, type Noticed } from '../prove/under-load.ts';
import { startRemoteHost, type RemoteHost } from '../support/remote-host.ts';
import { rollingScript, type Outcome, type RollingScript } from '../support/rolling-script.ts';
import { whyNoMachine } from '../support/services/machine.ts';
import { makePrivateFolder, type PrivateFolder } from '../support/services/private-folder.ts';
import { builtFile, freshPostgres, freshRedis } from '../support/services/shared-services.ts';
import { startSshHosts, type SshHosts } from '../support/ssh-hosts.ts';
import { eventually, repository } from './shared-host.ts';

const use = { sessions: 4, commandsPerS: 20, requestsPerS: 4 };
const each = (count: number): number[] => Array.from({ length: use.sessions }, () => count);
const reason = whyNoMachine();

describe('rolling.sh over two hosts by ssh', () => {
  let hosts: RemoteHost[];
  let ssh: SshHosts;
  let script: RollingScript;
  let folder: PrivateFolder;
  beforeAll(async () => {
    if (reason !== undefined) return;
    await Promise.all(['deploy/verdict', 'server/main'].map((name) => builtFile(name)));
    const stores = { postgres: (await freshPostgres()).url, redis: (await freshRedis()).url };
    const settings = {
      DRIVER: 'process',
      HEALTHY_S: 0.5,
      // A busy machine may take its time.
      READY_DEADLINE_S: 120,
      LATE_MS: 10_000,
      SOAK_S: 0.5,
      SLOWER_BY_MS: 5_000,
    };
    hosts = [];
    for (let count = 0; count < 2; count++)
      hosts.push(await startRemoteHost({ repository, ...stores, settings }));
    for (const host of hosts) for (const name of ['r1', 'r2', 'r3', 'r5']) await host.release(name);
    folder = await makePrivateFolder('ssh');
    ssh = await startSshHosts(join(folder.path, 'ssh'), hosts);
    script = await rollingScript({
      deployFolder: join(repository, 'deploy'),
      configFile: join(folder.path, 'none.conf'),
      settings: {},
      env: { ...process.env, TRACKSTAND_SSH_CONFIG: ssh.sshConfig },
    });
  });
  beforeEach((context) => {
    if (reason !== undefined) context.skip(reason);
  });
  afterAll(async () => {
    if (reason !== undefined) return;
    for (const host of hosts) await host.stop();
    await folder.remove();
  });

  const rolling = (...words: readonly string[]): Promise<Outcome> =>
    script.rolling(...words, '--hosts', ssh.hostsFile);
  const live = (): Promise<string[]> =>
    Promise.all(
      hosts.map(async ({ url }) => {
        const answer = await fetch(`${url}/__release`);
        return answer.status === 200 ? ((await answer.json()) as { release: string }).release : '';
      }),
    );
  /** What was noticed on either host. */
  const used = async <Result>(
    act: () => Promise<Result>,
  ): Promise<{ result: Result; noticed: Noticed[] }> => {
    const [one, two] = hosts;
    if (one === undefined || two === undefined) throw new Error('There are two hosts.');
    const outer = await underLoad(one.url, use, () => underLoad(two.url, use, act));
    return { result: outer.result.result, noticed: [outer, outer.result] };
  };

  test('the first deploy brings both hosts up', async () => {
    const { code, said } = await rolling('deploy', 'r1');
    expect(code, said).toBe(0);
    expect(said).toMatch(/Release r1 serves on one two\.$/);
    expect(await live()).toEqual(['r1', 'r1']);
  });

  test('a deploy goes host by host, and nobody on either notices', async () => {
    const { result, noticed } = await used(() => rolling('deploy', 'r2'));
    expect(result.code, result.said).toBe(0);
    expect(await live()).toEqual(['r2', 'r2']);
    for (const one of noticed) expect(one).toMatchObject({ ...nothing, moves: each(1) });
    expect(result.said.indexOf('== one')).toBeLessThan(result.said.indexOf('== two'));
    expect(await rolling('verify')).toMatchObject({ code: 0 });
  });

  test('a rollback that is killed on the second host and fails there when it is gone on with brings no host forward', async () => {
    let isSecond = false;
    const killed = await script.killedWhen(
      (step) => {
        if (step === 'b:hand-over') isSecond = true;
        return isSecond && step === 'a:start';
      },
      'rollback',
      '--hosts',
      ssh.hostsFile,
    );
    expect(killed).toBe(true);
    const second = hosts[1];
    await second?.release('r1', 'process.exit(1);');
    // Whatever of it had begun until then.
    for (const instance of ['a.r1', 'b.r1'])
      await second?.machine.run(
        'env',
        'RUN_DIR=/run/trackstand',
        'LOG_DIR=/var/log/trackstand',
        'RELEASES_DIR=/var/lib/trackstand/releases',
        'APP_ENV=/etc/trackstand/app.env',
        '/opt/trackstand/deploy/drivers/process.sh',
        'kill',
        instance,
      );
    let resumed = await rolling('resume');
    // Whoever held the lock there is gone with the connection.
    await eventually(async () => {
      if (resumed.code === 75) resumed = await rolling('resume');
      return resumed.code;
    }).not.toBe(75);
    expect(resumed).toMatchObject({
      code: 20,
      said: expect.stringMatching(
        /Host two did not take r1; one has it: rolling\.sh resume --hosts, or abort\.$/,
      ) as unknown,
    });
    expect(await live()).toEqual(['r1', 'r2']);
    await second?.release('r1');
    expect(await rolling('abort')).toMatchObject({ code: 0 });
    expect(await live()).toEqual(['r2', 'r2']);
  });

  test('a host on which a deploy stands still is not passed over by a rollback to what it served', async () => {
    await hosts[1]?.release('half', `if (process.env.LISTEN.includes('/b.')) process.exit(1);`);
    const stands = await hosts[1]?.script.rolling('deploy', 'half', '--on-fail', 'halt');
    expect(stands?.code, stands?.said).toBe(20);
    const refused = await rolling('rollback', 'r2');
    expect(refused).toMatchObject({
      code: 70,
      said: expect.stringMatching(
        /^Host two: The deploy of half was not finished.*on any host\.$/m,
      ),
    });
    expect(await hosts[1]?.script.rolling('abort')).toMatchObject({ code: 0 });
    expect(await live()).toEqual(['r2', 'r2']);
  });

  test('a rollback that the database refuses on the second host is begun on none', async () => {
    const commands = '/var/lib/trackstand/releases/r1/dist/server/sessions.js';
    await hosts[1]?.machine.write(commands, 'process.exit(4);');
    onTestFinished(() => hosts[1]?.release('r1'));
    const { code, said } = await rolling('rollback', 'r1');
    expect(code, said).toBe(12);
    expect(said).toMatch(/^Host two: Release r1 cannot be gone back to.*on any host\.$/m);
    expect(await live()).toEqual(['r2', 'r2']);
    expect(await rolling('resume')).toMatchObject({ said: 'There is no unfinished deploy.' });
  });

  test('a journal that says too little is no success, and one that names no host is for all', async () => {
    const journal = `${ssh.hostsFile}.journal`;
    for (const text of ['', 'verb=deploy\n', 'verb=deploy\nrelease=r2\nhosts=\n']) {
      await writeFile(journal, text);
      for (const verb of ['resume', 'abort'])
        expect(await rolling(verb)).toMatchObject({ code: 70 });
    }
    await writeFile(journal, 'verb=deploy\nrelease=r2\n');
    expect(await rolling('resume')).toMatchObject({
      code: 0,
      said: expect.stringMatching(/Release r2 serves on one two\.$/) as unknown,
    });
  });

  test('what goes on here though its machine is gone keeps others out', async () => {
    const second = hosts[1];
    await second?.machine.run('mkfifo', '/tmp/go');
    const acting = second?.machine.run('flock', '/var/lib/trackstand/acting', 'cat', '/tmp/go');
    await eventually(async () => (await second?.script.rolling('prune'))?.code).toBe(75);
    expect((await rolling('resume')).code).toBe(0);
    expect((await rolling('rollback', 'r1')).code).toBe(75);
    await second?.machine.run('sh', '-c', ': >/tmp/go');
    await acting;
    expect((await second?.script.rolling('prune'))?.code).toBe(0);
  });

  test('a host that is out of reach is told as such', async () => {
    await ssh.cut(1);
    onTestFinished(() => ssh.listen(1));
    for (const words of [['status'], ['rollback', '--dry-run']]) {
      const { code, said } = await rolling(...words);
      expect({ code, said }).toMatchObject({
        code: 69,
        said: expect.stringMatching(/Host two is out of reach\.$/) as unknown,
      });
    }
  });

  test('a plan is asked of every host, and changes nothing on any', async () => {
    for (const words of [['deploy', 'r3'], ['canary', 'r3'], ['switch', 'r3'], ['rollback']]) {
      const { code, said } = await rolling(...words, '--dry-run');
      expect(code, said).toBe(0);
      expect(said).toMatch(/^== one\n.* would do:[^]*\n== two\n.* would do:/);
    }
    const undone = await rolling('prune', '--dry-run');
    expect(undone.code, undone.said).toBe(2);
    expect(await live()).toEqual(['r2', 'r2']);
  });

  test('a release that is missing on one host changes nothing on any', async () => {
    await hosts[0]?.release('only-one');
    const { code, said } = await rolling('deploy', 'only-one');
    expect({ code, said }).toMatchObject({
      code: 11,
      said: expect.stringMatching(
        /Host two is not ready for only-one; nothing was changed on any host\.$/,
      ),
    });
    expect(await live()).toEqual(['r2', 'r2']);
  });

  test('a release that is bad on the second host is taken back on the first', async () => {
    await hosts[0]?.release('r4');
    await hosts[1]?.release('r4', 'process.exit(1);');
    const { result, noticed } = await used(() => rolling('deploy', 'r4'));
    expect(result.code, result.said).toBe(20);
    expect(result.said).toMatch(
      /Host two did not take r4; every host serves what it served before\.$/,
    );
    expect(await live()).toEqual(['r2', 'r2']);
    expect(noticed[0]).toMatchObject({ ...nothing, moves: each(2) });
    expect(noticed[1]).toMatchObject({ ...nothing, moves: each(0) });
  });

  test('of one host that is locked, none is touched, and no lock is left', async () => {
    const held = hosts[1]?.script.watched(() => {}, 'deploy', 'r3');
    await eventually(() => hosts[1]?.machine.run('cat', '/var/lib/trackstand/lock.owner')).toMatch(
      /^deploy r3/,
    );
    const { code, said } = await rolling('deploy', 'r5');
    expect(code, said).toBe(75);
    expect(said).toMatch(/Host two: Another deploy is under way: deploy r3/);
    expect((await held)?.code).toBe(0);
    expect(await live()).toEqual(['r2', 'r3']);
    expect((await hosts[0]?.script.rolling('unlock'))?.said).toBe('Nothing is locked.');
    expect(await hosts[1]?.script.rolling('rollback')).toMatchObject({ code: 0 });
  });

  test('a clock that is seconds off stops it before anything else', async () => {
    const date = '/usr/local/bin/date';
    await hosts[1]?.machine.write(
      date,
      '#!/bin/sh\nexec /bin/date -d "now + 90 seconds" "$@"\n',
      0o755,
    );
    onTestFinished(() => void hosts[1]?.machine.run('rm', date));
    const { code, said } = await rolling('deploy', 'r3');
    expect({ code, said }).toEqual({
      code: 10,
      // To half the time it took to ask.
      said: expect.stringMatching(
        /^The clock of host two is [89]\d s off; nothing was changed on any host\.$/,
      ),
    });
    expect(await live()).toEqual(['r2', 'r2']);
  });

  test('a host whose key is not the one that is known is none of ours', async () => {
    const text = await readFile(ssh.knownHosts, 'utf8');
    onTestFinished(() => writeFile(ssh.knownHosts, text));
    const [one = '', two = ''] = text.split('\n');
    const keyOf = (line: string): string => line.split(' ')[2] ?? '';
    await writeFile(ssh.knownHosts, `${one}\n${two.replace(keyOf(two), keyOf(one))}\n`);
    const { code, said } = await rolling('deploy', 'r3');
    expect(code).toBe(69);
    expect(said).toMatch(/Host two is out of reach; nothing was changed on any host\.$/);
  });

  test('branch F6: ssh that is lost in the middle leaves users alone, and it can be gone on with', async () => {
    let isCut: Promise<void> | undefined;
    let isSecond = false;
    const cutAt = (step: string): void => {
      // The second host's: the first one's come before.
      if (step === 'b:retire') isSecond = true;
      if (isSecond && step === 'a:hand-over') isCut ??= ssh.cut(1);
    };
    const { result, noticed } = await used(async () => {
      const lost = await script.watched(cutAt, 'deploy', 'r5', '--hosts', ssh.hostsFile);
      await isCut;
      await ssh.listen(1);
      const refused = await rolling('deploy', 'r3');
      // Whoever held the lock there is gone with the connection.
      await eventually(async () => (await rolling('resume')).code).toBe(0);
      return { lost, refused };
    });
    expect(result.lost.code, result.lost.said).toBe(69);
    expect(result.lost.said).toMatch(/The connection to host two was lost.*resume --hosts/);
    expect(result.refused).toMatchObject({ code: 70 });
    expect(await live()).toEqual(['r5', 'r5']);
    for (const one of noticed) expect(one).toMatchObject({ ...nothing, moves: each(1) });
  });

  test('a canary goes host by host, a rollback as well, and nobody on either notices', async () => {
    for (const host of hosts) await host.script.configure({ SOAK_SAMPLES: 0, SOAK_CONNECTIONS: 0 });
    const { result, noticed } = await used(async () => [
      await rolling('canary', 'r3', '--steps', '25,100'),
      await rolling('rollback'),
    ]);
    for (const { code, said } of result) expect(code, said).toBe(0);
    expect(result[0]?.said).toMatch(/== one[^]*\[canary:25\][^]*== two[^]*\[canary:25\]/);
    expect(result.map(({ said }) => said.split('\n').at(-1))).toEqual([
      'Release r3 serves on one two.',
      'Release r5 serves on one two.',
    ]);
    expect(await live()).toEqual(['r5', 'r5']);
    for (const one of noticed) expect(one).toMatchObject(nothing);
  });

  test('a rollback that cannot be on one host is refused before it begins on any', async () => {
    const gone = '/var/lib/trackstand/releases/r3';
    await hosts[1]?.machine.run('mv', gone, `${gone}.away`);
    onTestFinished(() => void hosts[1]?.machine.run('mv', `${gone}.away`, gone));
    for (const words of [['rollback'], ['rollback', 'r3']])
      expect(await rolling(...words)).toMatchObject({
        code: 10,
        said: expect.stringMatching(
          /^Host two: Release r3 is not here any more; nothing was changed\. Nothing was changed on any host\.$/m,
        ) as unknown,
      });
    expect(await live()).toEqual(['r5', 'r5']);
    expect(await rolling('resume')).toMatchObject({
      code: 0,
      said: 'There is no unfinished deploy.',
    });
  });

  test('a rollback that is cut off on the second host is gone on with, and the first one is left as it is', async () => {
    let isSecond = false;
    let isCut: Promise<void> | undefined;
    const cutAt = (step: string): void => {
      if (step === 'b:hand-over') isSecond = true;
      else if (isSecond && step === 'a:hand-over') isCut ??= ssh.cut(1);
    };
    const { result, noticed } = await used(async () => {
      const lost = await script.watched(cutAt, 'rollback', '--hosts', ssh.hostsFile);
      await isCut;
      await ssh.listen(1);
      const refused = await rolling('rollback');
      await eventually(async () => (await rolling('resume')).code).toBe(0);
      return { lost, refused };
    });
    expect(result.lost.code, result.lost.said).toBe(69);
    expect(result.refused).toMatchObject({ code: 70 });
    expect(await live()).toEqual(['r3', 'r3']);
    for (const one of noticed) expect(one).toMatchObject({ ...nothing, moves: each(1) });
  });

  test('branch F6: killed with -9 in the middle of the second host and aborted, every host serves what it did', async () => {
    let isSecond = false;
    const { result, noticed } = await used(async () => {
      const killed = await script.killedWhen(
        (step) => {
          if (step === 'b:retire') isSecond = true;
          return isSecond && step === 'a:try';
        },
        'deploy',
        'r5',
        '--hosts',
        ssh.hostsFile,
      );
      // What runs there goes on to its next step, and lets go.
      await eventually(async () => (await rolling('abort')).code).toBe(0);
      return killed;
    });
    expect(result).toBe(true);
    expect(await live()).toEqual(['r3', 'r3']);
    const log = await hosts[1]?.machine.run('cat', '/var/lib/trackstand/audit.jsonl');
    expect(log).toMatch(/"action":"deploy-undone","by":[^\n]*"release":"r5"/);
    for (const one of noticed) expect(one).toMatchObject(nothing);
  });

  test('what is for one host is refused with one sentence', async () => {
    for (const words of [['stage', 'r5'], ['drain', 'a'], ['unlock'], ['live']])
      expect(await rolling(...words)).toEqual({
        code: 2,
        said: `rolling.sh ${words[0]} is for one host.`,
        stdout: '',
      });
  });
});
