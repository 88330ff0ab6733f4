import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { readArguments } from '../../loadtest/ride/arguments.ts';
import { parseRide } from '../../loadtest/ride/ride-file.ts';
import { parsePlan } from '../../loadtest/ride/ride-plan.ts';
import { runRide } from './ride-process.ts';

const needed = ['--file', 'ride.csv', '--ftp', '250'];

describe('the command line', () => {
  test('speed, kills and service have defaults', () => {
    const options = { file: 'ride.csv', ftpW: 250, workout: undefined, url: undefined };
    expect(readArguments(needed)).toEqual({ ...options, speed: 60, killCount: 0 });
    expect(readArguments([...needed, '--chaos'])).toMatchObject({ killCount: 10 });
    expect(readArguments([...needed, '--help'])).toBe('help');
  });

  test.each([
    [[], 'Say which ride to ride: --file ride.csv.'],
    [['--file', 'ride.csv'], "Say the rider's FTP in watts: --ftp 250."],
    [['--file', 'ride.csv', '--ftp', '10'], '--ftp is a number from 30 to 800, not "10".'],
    [[...needed, '--speed', 'fast'], '--speed is a number from 1 to 10000, not "fast".'],
    [[...needed, '--kills', '3'], '--kills counts for --chaos only.'],
    [[...needed, '--chaos', '--kills', '2.5'], '--kills is a whole number, not "2.5".'],
    [[...needed, '--url', 'ride.example'], '--url is an http or https URL, not "ride.example".'],
    [
      [...needed, '--url', 'http://ride.example', '--chaos'],
      '--chaos kills a server of its own; it does not go with --url.',
    ],
    [['--fiel', 'ride.csv'], "Unknown option '--fiel'. See --help."],
  ])('%j is answered with one sentence', (args, sentence) => {
    expect(() => readArguments(args)).toThrow(
      expect.objectContaining({ name: 'CannotRide', exitCode: 64, message: sentence }),
    );
  });
});

describe('the files', () => {
  test('columns are found by name, in any order, and those of absent sensors may be missing', () => {
    expect(parseRide('\uFEFFpower_w,elapsed_s\r\n200,0\r\n,1.5\r\n', 'r.csv')).toEqual([
      { elapsedS: 0, powerW: 200, cadenceRpm: null, heartRateBpm: null },
      { elapsedS: 1.5, powerW: null, cadenceRpm: null, heartRateBpm: null },
    ]);
  });

  const header = 'elapsed_s,power_w';
  test.each([
    ['', 'r.csv has no column "elapsed_s" in its first line.'],
    ['elapsed_s,watts\n0,1', 'r.csv has no column "power_w" in its first line.'],
    [header, 'r.csv has no rows.'],
    [`${header}\n0,100\n1`, 'r.csv line 3 has 1 cells, the first line 2.'],
    [`${header}\n0,a lot`, 'r.csv line 2: power_w is "a lot", which is no number.'],
    [`${header}\n0,100\n0,100`, 'r.csv line 3: elapsed_s 0 does not come after 0.'],
    [`${header}\n-1,100`, 'r.csv line 2: elapsed_s must be from 0 to below 86400.'],
    [`${header}\n,100`, 'r.csv line 2: elapsed_s must be from 0 to below 86400.'],
    [
      `${header}\n0,6000`,
      'r.csv line 2: power_w: Invalid value: Expected <=5000 but received 6000.',
    ],
  ])('%j is answered with one sentence that names the line', (text, sentence) => {
    expect(() => parseRide(text, 'r.csv')).toThrow(
      expect.objectContaining({ name: 'CannotRide', exitCode: 65, message: sentence }),
    );
  });

  test('a workout file that is none is named', () => {
    expect(() => parsePlan('<x/>', 'w.zwo')).toThrow(
      expect.objectContaining({ exitCode: 65, message: expect.stringMatching(/^w\.zwo: /) }),
    );
  });
});

describe('the process', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ride-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('a mistake is one line on standard error and its exit code, and nothing is started', async () => {
    const result = await runRide(['--file', join(folder, 'gone.csv'), '--ftp', '250']);
    const stderr = `There is no file ${join(folder, 'gone.csv')}.\n`;
    expect(result).toEqual({ exitCode: 66, stdout: '', stderr });
  });

  test('a service that cannot be reached is told', async () => {
    const file = join(folder, 'ride.csv');
    await writeFile(file, 'elapsed_s,power_w\n0,100\n');
    // Port 1 is reserved, and nobody listens there.
    const args = ['--file', file, '--ftp', '250', '--url', 'http://127.0.0.1:1'];
    const { exitCode, stderr } = await runRide(args);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 69,
      stderr: 'No session: The service cannot be reached.\n',
    });
  });
});
