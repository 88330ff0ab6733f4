import { once } from 'node:events';

import { expect, onTestFinished, test } from 'vitest';

import { builtInPlans } from '../../shared/workout/built-in-plans.ts';
import type { WorkoutInput } from '../../shared/workout/workout-schemas.ts';
import { seededRandom } from '../simulation/random.ts';
import { makePrivateFolder } from '../support/services/private-folder.ts';
import { builtFile } from '../support/services/shared-services.ts';
import { commandSource } from './command-source.ts';
import { DeviceProcess } from './device-process.ts';
import type { Report } from './device-protocol.ts';
import { processState } from './process-state.ts';

const [builtIn] = builtInPlans;

/** Processes of one device, one after the other, out of reach of any service. */
async function deviceAlone() {
  const folder = await makePrivateFolder('device');
  onTestFinished(() => folder.remove());
  const file = await builtFile('chaos/device');
  const source = commandSource(seededRandom(3), 0);
  const reports = new EventTarget();
  const heard: Report[] = [];
  const failures: string[] = [];
  const guarded: (number | undefined)[] = [];
  return {
    heard,
    failures,
    guarded,
    next: source,
    launch: (input: unknown = { plan: builtIn?.plan, ftpW: 250 }): DeviceProcess => {
      const launched = new DeviceProcess({
        file,
        folder: {
          guard: (pid) => {
            guarded.push(pid);
            folder.guard(pid);
          },
        },
        heard: (report) => {
          heard.push(report);
          reports.dispatchEvent(new Event(report.report));
        },
        failed: (said) => failures.push(said),
      });
      onTestFinished(async () => void (await launched.kill()));
      // Nobody listens on that port.
      const origin = { url: 'http://127.0.0.1:1' };
      launched.order({
        order: 'begin',
        folder: folder.path,
        origin,
        input: input as WorkoutInput,
        seed: 1,
      });
      return launched;
    },
    until: (report: Report['report']) => once(reports, report),
    keptTimes: (): ReadonlySet<number> =>
      new Set(heard.flatMap((said) => (said.report === 'kept' ? said.timesMs : []))),
  };
}

test('a device killed in the midst of what it was given comes back with all it had said to be kept, in order, and nothing else than it was given', async () => {
  const { launch, next, until, heard, keptTimes } = await deviceAlone();
  const given: number[] = [];
  for (let life = 1; life <= 3; life += 1) {
    const device = launch();
    await until('shown');
    const enterMany = (): void => {
      for (let count = 0; count < 200; count += 1) {
        const command = next();
        given.push(command.atMs);
        device.order({ order: 'enter', commands: [command] });
      }
    };
    enterMany();
    await until('kept');
    // Killed in the same breath, so that not all of it can be kept.
    enterMany();
    await device.kill();
  }
  expect(keptTimes().size).toBeGreaterThan(0);
  expect(keptTimes().size).toBeLessThan(given.length);
  const kept = keptTimes();
  heard.splice(0);
  launch();
  await until('found');
  const [found] = heard;
  if (found?.report !== 'found') throw new Error('It found nothing.');
  expect([...kept].filter((atMs) => !found.timesMs.includes(atMs))).toEqual([]);
  expect(found.timesMs).toEqual(given.filter((atMs) => found.timesMs.includes(atMs)));
});

test('a device that was frozen goes on with what it was given meanwhile', async () => {
  const { launch, next, until, keptTimes } = await deviceAlone();
  const device = launch();
  await until('shown');
  device.freeze();
  await expect.poll(() => processState(device.pid)).toBe('T');
  const command = next();
  device.order({ order: 'enter', commands: [command] });
  expect(keptTimes().size).toBe(0);
  device.thaw();
  await until('kept');
  expect([...keptTimes()]).toEqual([command.atMs]);
});

test('a device ends with whoever started it, and one that ends by itself is told with what it had to say', async () => {
  const { launch, until } = await deviceAlone();
  const device = launch();
  await until('shown');
  expect(await device.leaveAlone()).toBe(0);
  const broken = await deviceAlone();
  broken.launch({ plan: 'none' });
  await expect.poll(() => broken.failures).toEqual([expect.stringContaining('input')]);
});

test("nothing guards a number that is no longer the device's", async () => {
  const { launch, until, guarded } = await deviceAlone();
  const device = launch();
  await until('shown');
  expect(guarded).toEqual([device.pid]);
  await device.kill();
  expect(guarded).toEqual([device.pid, undefined]);
});
