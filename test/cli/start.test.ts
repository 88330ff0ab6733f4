import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { expect, test } from 'vitest';

import { builtFile } from '../support/services/shared-services.ts';

/** Packages that a built file loads before it does anything, and those of the files beside it that it loads. */
async function packagesOf(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8');
  const names = [...text.matchAll(/^import .* from "([^"]+)";$/gm)].map(([, name = '']) => name);
  const found = names.map(async (name) =>
    name.startsWith('.') ? packagesOf(join(dirname(file), name)) : [name],
  );
  return (await Promise.all(found)).flat();
}

test('commands start without the Redis client, which is a third of their start: whoever rolls back waits for one that needs none', async () => {
  const packages = await packagesOf(await builtFile('server/sessions'));
  expect(packages).toContain('pg');
  expect(packages).not.toContain('ioredis');
});
