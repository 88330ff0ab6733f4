import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeAll, afterAll, describe, expect, test } from 'vitest';

import { compare } from '../../deploy/verdict/comparison.ts';
import { makePrivateFolder, type PrivateFolder } from '../support/services/private-folder.ts';

describe('an instance on trial', () => {
  let folder: PrivateFolder;
  beforeAll(async () => {
    folder = await makePrivateFolder('comparison');
  });
  afterAll(() => folder.remove());
  /** What comes of a driver whose calls answer that, one after the other; nothing stands for a call that fails. */
  const comesOf = async (
    ...answers: readonly string[]
  ): Promise<{ kind: string; calls: number }> => {
    const at = (name: string): string => join(folder.path, name);
    const lines = answers.map((text, at) => `${at}) ${text === '' ? 'exit 1' : `echo ${text}`};;`);
    await writeFile(at('count'), '0');
    await writeFile(
      at('driver'),
      `#!/bin/sh\nread -r count <${at('count')}\necho $((count + 1)) >${at('count')}\ncase $count in\n${lines.join('\n')}\nesac\n`,
    );
    await chmod(at('driver'), 0o755);
    const limits = {
      samplesMin: 0,
      greetingsMin: 0,
      errorRateMax: 0.005,
      slowerByMsMax: 50,
      lateMsMax: 200,
    };
    const place = { runFolder: at('run'), driver: at('driver') };
    const look = await compare(place, { instance: 'a.r2', life: '7/0', limits });
    const { kind } = (await look()).greetings;
    return { kind, calls: Number(await readFile(at('count'), 'utf8')) };
  };

  test('has not died because one call of the driver failed', async () => {
    expect(await comesOf('', '7/0')).toEqual({ kind: 'kept', calls: 2 });
  });

  test('has died when no call says that it lives, or one that it was started again', async () => {
    expect(await comesOf('', '', '')).toEqual({ kind: 'died', calls: 3 });
    expect(await comesOf('8/1')).toEqual({ kind: 'died', calls: 1 });
    expect(await comesOf('', '7/1')).toEqual({ kind: 'died', calls: 2 });
  });
});
