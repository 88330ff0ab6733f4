import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { buildApp } from '../../server/app/build-app.ts';
import { readConfig } from '../../server/config.ts';
import { testSecret } from '../support/live-server.ts';
import { freshPostgres, freshRedis } from '../support/services/shared-services.ts';
import { runRide, valueOf } from './ride-process.ts';

const realRide = fileURLToPath(new URL('../../../shared/rides/indoor-38min.csv', import.meta.url));
const whySkipped = existsSync(realRide)
  ? ''
  : ' (skipped: the recorded ride is not beside the repository)';

const rideSeconds = 120;
/** Seconds without power, and seconds of which there is no row at all. */
const silent = new Set([10, 11, 12, 70]);
const absent = new Set([40, 41, 90]);
const powerAt = (second: number): number => 150 + ((second * 37) % 100);

const rows = Array.from({ length: rideSeconds }, (_, second) => second)
  .filter((second) => !absent.has(second))
  .map(
    (second) => `${second},${silent.has(second) ? '' : powerAt(second)},85,${120 + (second % 9)}`,
  );
const powers = Array.from({ length: rideSeconds }, (_, second) => second)
  .filter((second) => !absent.has(second) && !silent.has(second))
  .map(powerAt);
const averageW = powers.reduce((sum, powerW) => sum + powerW, 0) / powers.length;

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ride-'));
  file = join(folder, 'two-minutes.csv');
  await writeFile(file, `elapsed_s,power_w,cadence_rpm,heart_rate_bpm\n${rows.join('\n')}\n`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const chaos = ['--chaos', '--kills', '3', '--speed', '600'];

describe('npm run ride', () => {
  test.each([
    { stores: 'Redis', path: process.env['PATH'] ?? '' },
    { stores: 'no Redis', path: '' },
  ])('three servers killed with -9 cost nothing, with $stores', async ({ stores, path }) => {
    const temporaryFolder = await mkdtemp(join(folder, 'tmp-'));
    const result = await runRide(['--file', file, '--ftp', '200', ...chaos], {
      temporaryFolder,
      path,
    });
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(result.stdout).toContain(`embedded Postgres and ${stores}\n`);
    expect(result.stdout).toContain('0 lost, 0 doubled');
    const commandCount = String(rows.length + 2);
    const values = {
      kills: '3',
      lost: '0',
      doubled: '0',
      'commands given': commandCount,
      accepted: commandCount,
      checkpointed: commandCount,
      'seconds with power': String(powers.length),
      'seconds without': String(silent.size + absent.size),
      'average power': averageW.toFixed(0),
      'maximum power': String(Math.max(...powers)),
      time: '2:00',
    };
    const found = Object.keys(values).map((label) => [label, valueOf(label, result)]);
    expect(Object.fromEntries(found)).toEqual(values);
    expect(await readdir(temporaryFolder)).toEqual([]);
  });

  test('a service that runs already is ridden with and left alone', async () => {
    const config = readConfig({
      DATABASE_URL: (await freshPostgres()).url,
      REDIS_URL: (await freshRedis()).url,
      TRACKSTAND_SECRET: testSecret,
      LOG_LEVEL: 'silent',
      CHECKPOINT_MS: '50',
    });
    const app = await buildApp(config, undefined);
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const result = await runRide(['--file', file, '--ftp', '200', '--speed', '600', '--url', url]);
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(valueOf('checkpointed', result)).toBe(String(rows.length + 2));
    expect((await fetch(new URL('/readyz', url))).status).toBe(200);
    await app.close();
  });

  test('a workout file sets the targets', async () => {
    const workout = join(folder, 'steady.zwo');
    const steady = '<SteadyState Duration="300" Power="0.75"/>';
    await writeFile(
      workout,
      `<workout_file><name>Steady</name><workout>${steady}</workout></workout_file>`,
    );
    const args = ['--file', file, '--ftp', '200', '--speed', '600', '--workout', workout];
    const result = await runRide(args);
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(result.stdout).toContain(' of 150 W');
  });

  test('Ctrl-C in the middle of a ride leaves nothing behind', async () => {
    const temporaryFolder = await mkdtemp(join(folder, 'tmp-'));
    const result = await runRide(['--file', file, '--ftp', '200', '--speed', '10'], {
      temporaryFolder,
      printed: (text, interrupt) => {
        if (text.includes('accepted')) interrupt();
      },
    });
    expect(result.exitCode).toBe(130);
    expect(await readdir(temporaryFolder)).toEqual([]);
  });

  test.skipIf(whySkipped !== '')(
    `a recorded ride comes to what its head unit said, ten kills or not${whySkipped}`,
    async () => {
      const args = ['--file', realRide, '--ftp', '250', '--speed', '600', '--chaos'];
      const result = await runRide(args);
      expect(result).toMatchObject({ exitCode: 0, stderr: '' });
      const labels = [
        'average power',
        'normalized power',
        'intensity factor',
        'heart rate',
        'cadence',
      ];
      expect(labels.map((label) => valueOf(label, result))).toEqual([
        '201',
        '228',
        '0.914',
        '148',
        '82',
      ]);
      const load = Number(valueOf('training load', result));
      expect(load).toBeGreaterThanOrEqual(50);
      expect(load).toBeLessThanOrEqual(52);
      const counts = ['commands given', 'checkpointed', 'kills', 'lost', 'doubled'];
      expect(counts.map((label) => valueOf(label, result))).toEqual([
        '2265',
        '2265',
        '10',
        '0',
        '0',
      ]);
    },
  );
});
