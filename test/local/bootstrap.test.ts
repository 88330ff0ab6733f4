import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, onTestFinished, test } from 'vitest';

import { makePrivateFolder } from '../support/services/private-folder.ts';

/** The plain JS that runs before anything is installed. */
interface Bootstrap {
  readonly nodeProblem: (version: string) => string | undefined;
  readonly needsInstall: (root: string) => boolean;
}

const file = new URL('../../deploy/local/bootstrap.mjs', import.meta.url).href;
const { nodeProblem, needsInstall } = (await import(file)) as Bootstrap;

/** A repository whose lock file and installation were last written at these times, s; undefined is absent. */
async function repository(lockS: number, installedS?: number): Promise<string> {
  const folder = await makePrivateFolder('bootstrap');
  onTestFinished(() => folder.remove());
  const { path } = folder;
  await writeAt(join(path, 'package-lock.json'), lockS);
  await mkdir(join(path, 'node_modules'));
  if (installedS !== undefined) {
    await writeAt(join(path, 'node_modules', '.package-lock.json'), installedS);
  }
  return path;
}

async function writeAt(path: string, timeS: number): Promise<void> {
  await writeFile(path, '{}');
  await utimes(path, timeS, timeS);
}

describe('before anything is installed', () => {
  test.each(['v18.20.4', 'v20.18.3', 'v19.9.0'])(
    'Node %s is too old, in one sentence',
    (version) => {
      expect(nodeProblem(version)).toBe(
        `Trackstand needs Node.js 20.19 or newer, this is ${version}: see https://nodejs.org.`,
      );
    },
  );

  test.each(['v20.19.0', 'v20.20.2', 'v21.0.0', 'v22.1.0', 'v24.11.0'])(
    'Node %s will do',
    (version) => {
      expect(nodeProblem(version)).toBeUndefined();
    },
  );

  test('packages are installed when the installation is absent, broken off or older than the lock file', async () => {
    expect(needsInstall(await repository(1000))).toBe(true);
    expect(needsInstall(await repository(2000, 1000))).toBe(true);
    expect(needsInstall(await repository(1000, 2000))).toBe(false);
  });
});
