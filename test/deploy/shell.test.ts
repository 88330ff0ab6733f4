import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { repository } from './shared-host.ts';

const scripts = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.sh', '.ci/run'], {
  cwd: repository,
  encoding: 'utf8',
})
  .trim()
  .split('\n')
  .filter((file) => existsSync(join(repository, file)))
  // Parts of a script are looked at with it.
  .filter((file) => readFileSync(join(repository, file), 'utf8').startsWith('#!'));

test('shellcheck finds nothing in any script', (context) => {
  const { status, stdout, error } = spawnSync('shellcheck', ['-x', ...scripts], {
    cwd: repository,
    encoding: 'utf8',
  });
  if (error !== undefined) context.skip('shellcheck is not installed');
  expect(scripts.length).toBeGreaterThan(10);
  expect(stdout).toBe('');
  expect(status).toBe(0);
});
