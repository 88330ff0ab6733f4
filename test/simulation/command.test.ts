/** `npm run sim` as people use it: what it says of a run that fails, and that it can be seen again from what it says. */
import { execFile } from 'node:child_process';

import { describe, expect, test } from 'vitest';

interface Said {
  readonly code: number;
  readonly text: string;
}

const root = new URL('../..', import.meta.url).pathname;

const sim = (...args: readonly string[]): Promise<Said> =>
  new Promise((resolve) => {
    const command = ['deploy/run.mjs', 'sim/main', ...args];
    execFile(process.execPath, command, { cwd: root }, (error, out, problems) =>
      resolve({ code: Number(error?.code ?? 0), text: out + problems }),
    );
  });

const bug = ['--mutant', 'a trim is answered without being done'];

describe('a run that fails', () => {
  let said: Said;

  test('names the lowest seed that does, and goes no further', async () => {
    said = await sim(...bug, '--seeds', '200', '--jobs', '2');
    expect(said.code).toBe(1);
    const seed = Number(/^seed (\d+): watermarks of .* fell/m.exec(said.text)?.[1]);
    expect(seed).toBeGreaterThan(1);
    const before = await sim(...bug, '--seeds', String(seed - 1), '--jobs', '1');
    expect(before).toMatchObject({ code: 0, text: expect.stringContaining('all is well') });
  }, 240_000);

  test('is shown with what happened last, and by the fewest steps that show it', () => {
    expect(said.text).toMatch(/^ +\d+\.\d{3} oracle +watermarks of/m);
    const [, few, all] = /^(\d+) of (\d+) steps are enough/m.exec(said.text) ?? [];
    expect(Number(few)).toBeLessThan(Number(all) / 4);
    expect(said.text).toMatch(/^ {2}#\d+ at \d+\.\d{3} s: [a-z-]+$/m);
  });

  test('is seen again, the same, by the command it names; without the planted bug those steps are well', async () => {
    const again = /^again: npm run sim -- (.+)$/m.exec(said.text)?.[1] ?? '';
    const args = [...again.matchAll(/'([^']*)'|(\S+)/g)].map(
      ([, quoted, bare]) => quoted ?? bare ?? '',
    );
    const wrong = /^watermarks of .+$/m.exec(said.text)?.[0];
    const seen = await sim(...args);
    expect(seen).toMatchObject({ code: 1, text: expect.stringContaining(String(wrong)) });
    const sound = args.filter((arg) => !bug.includes(arg));
    expect((await sim(...sound)).text).toMatch(/^seed \d+: all is well$/m);
  }, 120_000);
});

test.each([
  [['--seeds', 'many'], '--seeds is a whole number from 1, not "many".'],
  [['--steps', '3'], '--steps needs --seed: steps are those of one seed.'],
  [['--mutant', 'gremlins'], 'There is no planted bug "gremlins"; --mutants lists them.'],
])('%j is refused with one sentence', async (args, sentence) => {
  expect(await sim(...args)).toEqual({ code: 2, text: `${sentence}\n` });
});
