import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeAll, afterAll, describe, expect, test } from 'vitest';

import { compare } from '../../deploy/verdict/comparison.ts';
import type { Place } from '../../deploy/verdict/instance.ts';
import { awaitReady } from '../../deploy/verdict/waits.ts';
import { systemClock } from '../../shared/clock.ts';
import { makePrivateFolder, type PrivateFolder } from '../support/services/private-folder.ts';

describe('an instance on trial', () => {
  let folder: PrivateFolder;
  beforeAll(async () => {
    folder = await makePrivateFolder('comparison');
  });
  afterAll(() => folder.remove());
  const at = (name: string): string => join(folder.path, name);
  /** A driver whose calls answer that, one after the other; nothing stands for a call that fails. */
  const drive = async (...answers: readonly string[]): Promise<Place> => {
    const lines = answers.map((text, at) => `${at}) ${text === '' ? 'exit 1' : `echo ${text}`};;`);
    await writeFile(at('count'), '0');
    await writeFile(
      at('driver'),
      `#!/bin/sh\nread -r count <${at('count')}\necho $((count + 1)) >${at('count')}\ncase $count in\n${lines.join('\n')}\nesac\n`,
    );
    await chmod(at('driver'), 0o755);
    return { runFolder: at('run'), driver: at('driver') };
  };
  const calls = async (): Promise<number> => Number(await readFile(at('count'), 'utf8'));
  const comesOf = async (
    ...answers: readonly string[]
  ): Promise<{ kind: string; calls: number }> => {
    const place = await drive(...answers);
    const limits = {
      samplesMin: 0,
      greetingsMin: 0,
      errorRateMax: 0.005,
      slowerByMsMax: 50,
      lateMsMax: 200,
    };
    const look = await compare(place, { instance: 'a.r2', life: '7/0', limits });
    const { kind } = (await look()).greetings;
    return { kind, calls: await calls() };
  };

  test('has not died because one call of the driver failed', async () => {
    expect(await comesOf('', '7/0')).toEqual({ kind: 'kept', calls: 2 });
  });

  test('has died when no call says that it lives, or one that it was started again', async () => {
    expect(await comesOf('', '', '')).toEqual({ kind: 'died', calls: 3 });
    expect(await comesOf('8/1')).toEqual({ kind: 'died', calls: 1 });
    expect(await comesOf('', '7/1')).toEqual({ kind: 'died', calls: 2 });
  });

  test('is waited for although one call of the driver failed, and given up when none says that it lives', async () => {
    const limits = { release: 'r2', healthyMs: 0, deadlineMs: 0 };
    const comes = async (...answers: readonly string[]): Promise<unknown> =>
      awaitReady(await drive(...answers), 'a.r2', limits, systemClock);
    expect(await comes('', '7/0')).toEqual({ kind: 'failed', why: 'it does not answer after 0 s' });
    expect(await calls()).toBe(2);
    expect(await comes('', '', '')).toEqual({ kind: 'died', why: 'its process ended' });
  });
});
