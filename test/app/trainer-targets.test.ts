import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { startRouter, type TcpRouter } from '../support/tcp-router.ts';
import { bluetoothFlags, emulateBluetooth, type EmulatedBluetooth } from './emulated-bluetooth.ts';
import { EmulatedTrainer } from './emulated-devices.ts';
import { newRider, startAppServer, startBrowser, type AppServer, type Rider } from './live-page.ts';
import {
  rideInHand,
  takeTime,
  targetFaults,
  type Moment,
  type RideInHand,
} from './ride-in-hand.ts';

const desktop = { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' } as const;
const patiently = { timeout: 120_000, interval: 100 };

/** At FTP 200: a quarter of a minute steady, half a minute up, then ten minutes of steps. */
const stepsW = [150, 120, 180, 110] as const;
const stepS = 15;
const file = [
  '<workout_file><name>Steps</name><sportType>bike</sportType><workout>',
  '<SteadyState Duration="15" Power="0.5"/><Ramp Duration="30" PowerLow="0.5" PowerHigh="0.8"/>',
  ...Array.from({ length: 40 }, (_, index) => {
    const power = (stepsW[index % stepsW.length] ?? 0) / 200;
    return `<SteadyState Duration="${stepS}" Power="${power}"/>`;
  }),
  '</workout></workout_file>',
].join('');

/** The file's own arithmetic, and not the page's. */
function plannedW(atS: number): number {
  if (atS < 15) return 100;
  if (atS < 45) return Math.round(100 + (60 * (atS - 15)) / 30);
  return stepsW[Math.floor((atS - 45) / stepS) % stepsW.length] ?? 0;
}

let server: AppServer;
let router: TcpRouter;
let browser: Browser;
let bluetooth: EmulatedBluetooth;
let trainer: EmulatedTrainer;
let rider: Rider;
let ride: RideInHand;
beforeAll(async () => {
  server = await startAppServer({ PUBLIC_URL: '' });
});
afterAll(() => server.stop());
beforeEach(async () => {
  [router, browser] = await Promise.all([startRouter(server.url), startBrowser(bluetoothFlags)]);
  bluetooth = await emulateBluetooth(browser);
  trainer = new EmulatedTrainer();
  await bluetooth.install(trainer);
  let isPrepared = false;
  rider = await newRider(browser, router.url, desktop, async (page) => {
    // All of it is the context's: a second tab has it too.
    if (isPrepared) return;
    isPrepared = true;
    await bluetooth.prepare(page);
    await takeTime(page);
  });
  ride = rideInHand(rider.page, trainer);
  await begin();
});
afterEach(async () => {
  await rider.leave();
  await bluetooth.close();
  await browser.close();
  await router.stop();
  await server.start();
  if (rider.problems.length > 0) throw new Error(rider.problems.join('\n'));
});

const latest = (): Moment => {
  const moment = ride.moments.at(-1);
  if (moment === undefined) throw new Error('No second has passed.');
  return moment;
};
const untilElapsed = (seconds: number) => ride.passUntil(() => latest().elapsedS >= seconds);
const hexSince = (write: number) => trainer.writes.slice(write).map(({ hex }) => hex);
/** The bytes since then, each told again counted once. */
const toldSince = (write: number) =>
  hexSince(write).filter((hex, index, all) => hex !== all[index - 1]);
/** A page has taken control of the trainer since that write. Its time stands meanwhile. */
const untilMet = (write: number) =>
  expect.poll(() => hexSince(write).some((hex) => hex === '07'), patiently).toBe(true);
const badgeSays = (is: RegExp) => async () => is.test(await rider.badge());

/** Rides the steps on the emulated trainer, to the middle of the second one. */
async function begin(): Promise<void> {
  const { page } = rider;
  await page
    .locator('input[type=file]')
    .setInputFiles({ name: 'steps.zwo', mimeType: 'text/xml', buffer: Buffer.from(file) });
  await page.getByRole('button', { name: 'Steps' }).click();
  bluetooth.pick(trainer.address);
  await page.getByRole('button', { name: 'Connect a trainer' }).click();
  await untilMet(0);
  await ride.pass(2);
  await page.getByText('EMULATED TRAINER', { exact: true }).waitFor();
  await page.keyboard.press('Space');
  await ride.pass(2);
  await untilElapsed(65);
}

/** Nothing was wrong, nothing late, and the trainer was asked for nothing but powers. */
function expectSteady(from: number, write: number): void {
  const moments = ride.moments.slice(from);
  expect(targetFaults(moments, plannedW)).toEqual([]);
  expect(moments.every(({ isRiding }) => isRiding)).toBe(true);
  expect(hexSince(write).filter((hex) => !/^05....$/.test(hex))).toEqual([]);
}

/** A softly begun target: never above the plan, never falling, and the plan's own after nine seconds of turning legs. */
function expectSoft(moments: readonly Moment[]): void {
  const riding = moments.filter(({ isRiding }) => isRiding);
  const soft = riding.slice(0, 9);
  for (const { elapsedS, toldW } of soft)
    expect(toldW, `at ${elapsedS} s`).toBeLessThanOrEqual(plannedW(elapsedS));
  expect(targetFaults(riding.slice(9), plannedW)).toEqual([]);
  expect(riding.length).toBeGreaterThan(20);
}

const hexOf = { 150: '059600', 120: '057800', 180: '05b400', 110: '056e00' } as const;
/** Steps from the one at 60 s on. */
const stepHex = (count: number) =>
  Array.from({ length: count }, (_, index) => hexOf[stepsW[(index + 1) % 4] ?? 150]);

test('a happy ride: every step in time, in these bytes', async () => {
  const softly = ride.moments.filter(({ isRiding }) => isRiding);
  expectSoft(softly);
  expect(hexSince(0).slice(0, 3)).toEqual(['00', '07', '050000']);
  const [from, write] = [ride.moments.length, trainer.writes.length];
  await untilElapsed(125);
  expectSteady(from, write);
  expect(toldSince(write - 1)).toEqual(stepHex(5));
});

test('the trainer out of reach in mid-interval: the clock waits, and the step it stood in comes back softly', async () => {
  const [from, write] = [ride.moments.length, trainer.writes.length];
  trainer.isReachable = false;
  await trainer.drop();
  await ride.passUntil(() => !latest().isRiding);
  await ride.pass(20);
  expect(latest().elapsedS).toBeLessThan(75);
  const stood = ride.moments.length;
  trainer.isReachable = true;
  await ride.passUntil(() => latest().isRiding);
  await untilElapsed(105);
  expect(hexSince(write).slice(0, 2)).toEqual(['00', '07']);
  expect(ride.moments.slice(from).filter(({ isRiding }) => !isRiding).length).toBeGreaterThan(19);
  expectSoft(ride.moments.slice(stood));
});

test('the server killed in mid-interval and back a minute later: every step in time', async () => {
  const [from, write] = [ride.moments.length, trainer.writes.length];
  await server.kill();
  await ride.passUntil(badgeSays(/^riding offline/));
  await untilElapsed(125);
  await server.start();
  await ride.passUntil(badgeSays(/^saved/));
  expectSteady(from, write);
  expect(toldSince(write - 1).slice(0, 5)).toEqual(stepHex(5));
});

test('a deploy in mid-interval: every step in time', async () => {
  const [from, write] = [ride.moments.length, trainer.writes.length];
  router.route(await server.startBeside());
  let isGone = false;
  const drained = server.drain().then(() => {
    isGone = true;
  });
  await ride.passUntil(() => isGone);
  await drained;
  await untilElapsed(125);
  expectSteady(from, write);
  expect(toldSince(write - 1).slice(0, 5)).toEqual(stepHex(5));
});

test('a page loaded again in mid-interval: the same step, softly', async () => {
  const [from, write] = [ride.moments.length, trainer.writes.length];
  await rider.page.reload();
  await untilMet(write);
  await untilElapsed(105);
  expectSoft(ride.moments.slice(from));
  const met = hexSince(write).lastIndexOf('07');
  expect(hexSince(write).slice(met - 1, met + 1)).toEqual(['00', '07']);
});

test('five minutes without a network: every step in time', async () => {
  const [from, write] = [ride.moments.length, trainer.writes.length];
  await rider.page.context().setOffline(true);
  await untilElapsed(365);
  expect(await rider.badge()).toMatch(/^riding offline/);
  expectSteady(from, write);
  expect(toldSince(write - 1)).toEqual(stepHex(21));
  await rider.page.context().setOffline(false);
});

test('a second tab: nothing while it reads along, and softly the same step when it takes over', async () => {
  const [from, write] = [ride.moments.length, trainer.writes.length];
  const second = await rider.openTab();
  await second.page.getByText('This ride goes on in another tab.').waitFor();
  await untilElapsed(95);
  expectSteady(from, write);
  expect(toldSince(write - 1)).toEqual(stepHex(3));
  const taken = trainer.writes.length;
  await second.page.getByRole('button', { name: 'Ride here instead' }).click();
  ride.rideOn(second.page);
  await untilMet(taken);
  const there = ride.moments.length;
  await untilElapsed(135);
  expectSoft(ride.moments.slice(there));
});
