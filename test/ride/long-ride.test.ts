import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { describe, expect, test } from 'vitest';

import { planTrouble } from '../../loadtest/long-ride/trouble.ts';
import { builtFile } from '../support/services/shared-services.ts';

const run = promisify(execFile);

async function longRide(args: readonly string[]) {
  const file = await builtFile('long-ride/main');
  await Promise.all([builtFile('server/main'), builtFile('local/pglite-process')]);
  const env = { PATH: process.env['PATH'] };
  return run(process.execPath, [file, ...args], { env }).then(
    ({ stdout }) => ({ code: 0, stdout }),
    ({ code, stdout }: { code: number; stdout: string }) => ({ code, stdout }),
  );
}

describe('npm run ride:long', () => {
  test('a ride whose server is killed ends in the same file, byte for byte, as the same ride undisturbed', async () => {
    const args = '--minutes 8 --kills 3 --drops 2 --reloads 1 --seed 5'.split(' ');
    const { code, stdout } = await longRide(args);
    expect(stdout).not.toContain('DIFFERENT');
    expect(stdout.match(/^same: /gm)).toHaveLength(5);
    expect(stdout).toMatch(/^undisturbed: 4\d\d s ridden, 0 kills/m);
    expect(stdout).toMatch(/^killed: 4\d\d s ridden, 3 kills/m);
    expect(code).toBe(0);
  });

  test('a command line that makes no sense is told in a sentence', async () => {
    expect(await longRide(['--kills', 'many'])).toEqual({
      code: 64,
      stdout: '--kills is a whole number from 0 to 100.\n',
    });
  });
});

test('what befalls a ride follows from the seed, and is spread over the ride', () => {
  const counts = { durationS: 8_100, kills: 20, drops: 5, reloads: 2 };
  const trouble = planTrouble({ ...counts, seed: 3 });
  expect(trouble).toEqual(planTrouble({ ...counts, seed: 3 }));
  expect(trouble).not.toEqual(planTrouble({ ...counts, seed: 4 }));
  expect(trouble.killsS).toHaveLength(20);
  for (const [part, atS] of trouble.killsS.entries()) {
    expect(atS).toBeGreaterThan(part * 405);
    expect(atS).toBeLessThan((part + 1) * 405);
  }
});
