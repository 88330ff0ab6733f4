import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';

import { builtInPlans } from '../../shared/workout/built-in-plans.ts';
import { builtFile } from '../support/services/shared-services.ts';
import { Device } from './device.ts';
import { startFaultProxy } from './fault-proxy.ts';
import type { Finding } from './findings.ts';
import { History } from './history.ts';
import type { PostgresWitness } from './postgres-witness.ts';
import { processState } from './process-state.ts';
import { SessionRun } from './session-run.ts';
import { WireEar } from './wire-ear.ts';
import type { World } from './world.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trackstand-devices-'));
  // Devices put their own folders there.
  vi.stubEnv('TMPDIR', folder);
  return async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  };
});

/** A device out of reach of any service, with a command that is kept, and what is found of it. */
async function deviceAlone() {
  const network = await startFaultProxy(() => 1);
  onTestFinished(() => network.stop());
  const found: Pick<Finding, 'kind' | 'sentence'>[] = [];
  const [builtIn] = builtInPlans;
  if (builtIn === undefined) throw new Error('There is no built-in plan.');
  const pages = new EventTarget();
  const device = await Device.start({
    name: 'a',
    session: 0,
    place: 0,
    deviceFile: await builtFile('chaos/device'),
    origin: { url: `http://127.0.0.1:${network.port}` },
    input: { plan: builtIn.plan, ftpW: 250 },
    network,
    ear: new WireEar(new Map(), { found: () => {}, toldCheckpointed: () => {}, note: () => {} }),
    seed: 1,
    begun: () => pages.dispatchEvent(new Event('page')),
    found: (kind, sentence) => found.push({ kind, sentence }),
    warn: () => {},
  });
  onTestFinished(() => device.stop());
  const crash = (): void => void process.kill(device.pid ?? 0, 'SIGTERM');
  return { device, found, crash, pages };
}

const ended = { kind: 'not-healed', sentence: expect.stringContaining('The process ended') };

test('a device that dies by itself after its first command was kept is found, and is not used any more', async () => {
  const { device, found, crash } = await deviceAlone();
  expect(device.isUp).toBe(true);
  crash();
  await expect.poll(() => found).toEqual([ended]);
  expect(device.isUp).toBe(false);
  device.burst();
  expect(device.given.issued).toHaveLength(1);
});

test('a kill that comes too late for a device that died by itself excuses nothing', async () => {
  const { device, found, crash } = await deviceAlone();
  device.burst();
  crash();
  // Without a pause: this process is not to hear of it first.
  while (processState(device.pid) !== 'Z');
  device.kill();
  await device.restart();
  expect(found).toEqual([ended]);
  expect([...device.given.unsure]).toEqual([]);
  expect(device.killCount).toBe(0);
});

test('what a device was given and had not kept when it was killed is void once the next process shows a page', async () => {
  const { device, found } = await deviceAlone();
  device.burst();
  device.kill();
  expect(device.isUp).toBe(false);
  await device.restart();
  await expect.poll(() => device.isUp).toBe(true);
  const { issued, voided, unsure, standingCount } = device.given;
  expect(issued.length).toBeGreaterThan(1);
  expect([unsure.size, standingCount + voided.size]).toEqual([0, issued.length]);
  expect([found, device.killCount]).toEqual([[], 1]);
});

test('what a device is asked is refused when it dies before it answers, and when it is dead', async () => {
  const { device, found, crash } = await deviceAlone();
  // It would wait for the service's answer.
  device.freeze();
  const answer = device.account();
  const refused = expect(answer).rejects.toThrow(/ended/);
  crash();
  process.kill(device.pid ?? 0, 'SIGCONT');
  await refused;
  expect(found).toEqual([ended]);
  await expect(device.account()).rejects.toThrow(/ended/);
});

test('a page that is loaded again takes with it what it showed', async () => {
  const { device, pages } = await deviceAlone();
  const shownAtPage: unknown[] = [];
  pages.addEventListener('page', () => shownAtPage.push(device.shown));
  device.reload('crash');
  await expect.poll(() => shownAtPage).toEqual([undefined]);
  await expect.poll(() => device.shown).toBeDefined();
});

test('a device without a connected page has no state to be held to', async () => {
  const { device } = await deviceAlone();
  await expect(device.account()).resolves.toMatchObject({ answer: { status: 0 } });
  expect((await device.account()).state).toBeUndefined();
});

test('a session whose second device cannot be started leaves nothing of the first one', async () => {
  const network = await startFaultProxy(() => 1);
  onTestFinished(() => network.stop());
  const networks = [network];
  const world = {
    stations: [{}, {}],
    routes: [],
    openNetwork: () => Promise.resolve(networks.pop() ?? Promise.reject(new Error('No port.'))),
  };
  const starting = SessionRun.start({
    number: 2,
    deviceCount: 2,
    seed: 1,
    // Of a whole world of servers a session asks for a network alone.
    world: world as unknown as World,
    deviceFile: await builtFile('chaos/device'),
    history: new History(),
    witness: {} as PostgresWitness,
    found: () => {},
  });
  await expect.poll(() => readdir(folder)).toHaveLength(1);
  await expect(starting).rejects.toThrow('No port.');
  expect(await readdir(folder)).toEqual([]);
});
