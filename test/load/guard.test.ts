import { execFile } from 'node:child_process';

import { expect, test } from 'vitest';

import { repository } from '../deploy/shared-host.ts';
import { builtFile } from '../support/services/shared-services.ts';

// CPU, not time: a machine that is busy with something else makes it longer, and not dearer.
test('an event costs no more than it did, beside a bare echo in the same run', async () => {
  const file = await builtFile('load/main');
  const { said, code } = await run([file, 'guard']);
  expect(said).toContain('met');
  expect(code, said).toBe(0);
});

function run(args: readonly string[]): Promise<{ readonly said: string; readonly code: unknown }> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: repository }, (error, stdout, stderr) =>
      resolve({ said: `${stdout}${stderr}`, code: error === null ? 0 : error.code }),
    );
  });
}
