import { readdir } from 'node:fs/promises';

import { describe, expect, onTestFinished, test } from 'vitest';

import { lockFolder } from '../../deploy/local/folder-lock.ts';
import { makePrivateFolder } from '../support/services/private-folder.ts';

async function openFolder(): Promise<string> {
  const folder = await makePrivateFolder('lock');
  onTestFinished(() => folder.remove());
  return folder.path;
}

describe('the lock of a folder', () => {
  test('is had by one at a time', async () => {
    const folder = await openFolder();
    const first = await lockFolder(folder);
    expect(first).toBeDefined();
    expect(await lockFolder(folder)).toBeUndefined();
    first?.release();
    expect(await lockFolder(folder)).toBeDefined();
  });

  test('is had by at most one of many who want it at once, whatever was left behind', async () => {
    const folder = await openFolder();
    for (let round = 0; round < 30; round += 1) {
      const contenders = Array.from({ length: 8 }, () => lockFolder(folder));
      const holders = (await Promise.all(contenders)).filter((lock) => lock !== undefined);
      expect(holders.length).toBeLessThanOrEqual(1);
      // Released locks stay as files nobody answers at, as those of killed processes do.
      for (const holder of holders) holder.release();
    }
  });

  test('leaves one file however often it was taken', async () => {
    const folder = await openFolder();
    for (let round = 0; round < 5; round += 1) (await lockFolder(folder))?.release();
    expect(await readdir(folder)).toEqual(['lock.5']);
  });
});
