import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';

import { nothing, underLoad } from '../prove/under-load.ts';
import { startRemoteHost, type RemoteHost } from '../support/remote-host.ts';
import { startRider } from '../support/rider.ts';
import { whyNoMachine } from '../support/services/machine.ts';
import { builtFile, freshPostgres, freshRedis } from '../support/services/shared-services.ts';
import { isSaved } from '../support/watching.ts';
import { eventually, repository } from './shared-host.ts';

const use = { sessions: 6, commandsPerS: 30, requestsPerS: 8 };
const each = (count: number): number[] => Array.from({ length: use.sessions }, () => count);
const reason = whyNoMachine();

describe('rolling.sh on a machine with systemd', () => {
  let host: RemoteHost;
  let postgres: string;
  beforeAll(async () => {
    if (reason !== undefined) return;
    await Promise.all(
      ['deploy/verdict', 'server/main', 'server/sessions'].map((name) => builtFile(name)),
    );
    postgres = (await freshPostgres()).url;
    host = await startRemoteHost({
      repository,
      postgres,
      redis: (await freshRedis()).url,
      settings: {
        DRIVER: 'systemd',
        HEALTHY_S: 1,
        // A busy machine may take its time.
        READY_DEADLINE_S: 120,
        LATE_MS: 10_000,
        SOAK_S: 1,
        SLOWER_BY_MS: 5_000,
        STOP_S: 30,
      },
    });
    for (const name of ['r1', 'r2']) await host.release(name);
    await host.release('exits', 'process.exit(1);');
  });
  beforeEach((context) => {
    if (reason !== undefined) context.skip(reason);
  });
  afterAll(() => host?.stop());

  const property = (instance: string, name: string): Promise<string> =>
    host.machine.run('systemctl', 'show', '-p', name, '--value', `trackstand@${instance}.service`);

  test('the units are what systemd understands', async () => {
    for (const name of ['trackstand@a.r1', 'trackstand-boot'])
      expect(
        await host.machine.run(
          'systemd-analyze',
          'verify',
          '--recursive-errors=no',
          `${name}.service`,
        ),
      ).toBe('');
  });

  test('the first deploy starts two units, which are node itself and not root', async () => {
    const { code, said } = await host.script.rolling('deploy', 'r1');
    expect(code, said).toBe(0);
    for (const instance of ['a.r1', 'b.r1']) {
      const pid = await property(instance, 'MainPID');
      expect(await host.machine.run('ps', '-o', 'user=,args=', '-p', pid)).toMatch(
        /^trackst\S* .*node dist\/server\/main\.js$/,
      );
    }
  });

  test('a deploy moves everybody once, and nobody notices', async () => {
    const { result, moves, ...noticed } = await underLoad(host.url, use, () =>
      host.script.rolling('deploy', 'r2', '--strict'),
    );
    expect(result.code, result.said).toBe(0);
    expect(noticed).toMatchObject(nothing);
    expect(moves).toEqual(each(1));
    expect(await property('a.r1', 'ActiveState')).toBe('inactive');
    expect(await host.script.rolling('verify')).toMatchObject({ code: 0 });
  });

  test('a release that ends at once is taken back, and its unit is left alone', async () => {
    const { result, ...noticed } = await underLoad(host.url, use, () =>
      host.script.rolling('deploy', 'exits'),
    );
    expect(result.code, result.said).toBe(20);
    expect(noticed).toMatchObject({ ...nothing, moves: each(0) });
    expect(await property('a.exits', 'ActiveState')).toMatch(/^(inactive|failed)$/);
  });

  test('an instance that is killed is started again, and nothing is lost', async () => {
    const before = await property('a.r2', 'MainPID');
    const noticed = await underLoad(host.url, use, async () => {
      await host.machine.run('kill', '-9', before);
      await eventually(async () => (await host.script.rolling('status')).stdout).toMatch(
        /"instance":"a\.r2"[^}]*"life":"\d+\/1","ready":"ready"/,
      );
    });
    expect(noticed.differingCount).toBe(0);
  });

  test('a database that is past a release refuses it: the release says so itself, as the user its units have', async () => {
    const client = new Client({ connectionString: postgres });
    await client.connect();
    onTestFinished(() => client.end());
    await client.query(
      `insert into trackstand.migrations (name, unused_since) values ('9999-gone', '9998-unheard-of')`,
    );
    const { code, said } = await host.script.rolling('rollback');
    await client.query(`delete from trackstand.migrations where name = '9999-gone'`);
    expect(code, said).toBe(12);
    expect(said).toMatch(/The database is past this release: 9999-gone took away what it needs/);
    await host.machine.write('/var/lib/trackstand/releases/who/package.json', '{"type":"module"}');
    await host.machine.write(
      '/var/lib/trackstand/releases/who/dist/server/sessions.js',
      `import { execFileSync } from 'node:child_process';
       console.log(String(execFileSync('id', ['-un'])).trim(), process.env.RELEASE, process.argv.slice(2).join(' '));`,
    );
    const asked =
      'set -a; . /etc/trackstand/rolling.conf; APP_ENV=/etc/trackstand/app.env RUN_DIR=/run/trackstand RELEASES_DIR=/var/lib/trackstand/releases; /opt/trackstand/deploy/drivers/systemd.sh cli who schema versions';
    expect(await host.machine.run('bash', '-c', asked)).toBe('trackstand who schema versions');
  });

  test('branch F9: after a reboot the unit for it starts what was live, and everybody comes back', async () => {
    const rider = await startRider(host.url);
    rider.give({ type: 'start', data: {} });
    await rider.when(isSaved);
    // What a reboot leaves: no process, and an empty folder of sockets.
    await host.machine.run(
      'systemctl',
      'kill',
      '--signal',
      'KILL',
      'trackstand@a.r2',
      'trackstand@b.r2',
    );
    await host.machine.run('systemctl', 'stop', 'trackstand@a.r2', 'trackstand@b.r2');
    await host.machine.run('sh', '-c', 'rm -rf /run/trackstand');
    rider.give({ type: 'sample', data: { powerW: 200 } });
    await host.machine.run('systemctl', 'start', 'trackstand-boot');
    expect((await rider.when(isSaved)).state).toEqual(rider.expected());
    expect(await host.script.rolling('verify')).toMatchObject({ code: 0 });
    rider.session.close();
  });
});
