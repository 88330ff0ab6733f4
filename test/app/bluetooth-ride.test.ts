import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { bluetoothFlags, emulateBluetooth, type EmulatedBluetooth } from './emulated-bluetooth.ts';
import { EmulatedStrap, EmulatedTrainer } from './emulated-devices.ts';
import { newRider, startAppServer, startBrowser, type AppServer, type Rider } from './live-page.ts';

const desktop = { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' } as const;
const patiently = { timeout: 120_000, interval: 100 };

let server: AppServer;
let browser: Browser;
let bluetooth: EmulatedBluetooth;
let rider: Rider;
let trainer: EmulatedTrainer;
let strap: EmulatedStrap;
beforeAll(async () => {
  server = await startAppServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  browser = await startBrowser(bluetoothFlags);
  bluetooth = await emulateBluetooth(browser);
  [trainer, strap] = [new EmulatedTrainer(), new EmulatedStrap()];
  await bluetooth.install(trainer);
  await bluetooth.install(strap);
  trainer.pedal();
  strap.beat(151);
  rider = await newRider(browser, server.url, desktop, bluetooth.prepare);
});
afterEach(async () => {
  trainer.rest();
  strap.rest();
  await rider.leave();
  await bluetooth.close();
  await browser.close();
  await server.start();
  if (rider.problems.length > 0) throw new Error(rider.problems.join('\n'));
});

const untilNumber = (name: string, is: RegExp) =>
  expect.poll(() => rider.number(name), patiently).toMatch(is);
const untilTarget = (powerW: number) => expect.poll(() => trainer.targetW, patiently).toBe(powerW);
/** The latest of the powers set from that write on. */
const untilTold = (sinceWrite: number, powerW: number) =>
  expect.poll(() => trainer.powersSince(sinceWrite).at(-1), patiently).toBe(powerW);
/** The number of the first write to come of a meeting after that write: the page may have had a last word before it. */
async function untilMetAfter(write: number): Promise<number> {
  await expect.poll(() => trainer.writesBeforeMet, patiently).toBeGreaterThanOrEqual(write);
  return trainer.writesBeforeMet;
}
const hexSince = (write: number) => trainer.writes.slice(write).map(({ hex }) => hex);
const press = (name: string) => rider.page.getByRole('button', { name, exact: true }).click();

/** Picks the hour of sweet spot at FTP 200, connects both devices, and is at the steady 110 W of its second interval. */
async function rideSecondInterval(): Promise<void> {
  await rider.page.getByRole('button', { name: 'Sweet spot hour' }).click();
  bluetooth.pick(trainer.address);
  await press('Connect a trainer');
  await rider.page.getByText('EMULATED TRAINER', { exact: true }).waitFor();
  bluetooth.pick(strap.address);
  await press('Heart-rate strap');
  await rider.page.getByText('EMULATED TRAINER · EMULATED STRAP').waitFor();
  await rider.page.keyboard.press('Space');
  await expect.poll(() => rider.elapsedS(), patiently).toBeGreaterThanOrEqual(2);
  await rider.page.keyboard.press('ArrowRight');
  await untilTarget(110);
  await untilNumber('power', /^110$/);
}

/** The longest the trainer went without a word from the page, up to now, ms. */
function longestSilenceMs(sinceWrite: number): number {
  const times = [...trainer.writes.slice(sinceWrite).map(({ atMs }) => atMs), Date.now()];
  return Math.max(...times.slice(1).map((atMs, index) => atMs - (times[index] ?? atMs)));
}

describe('a ride on a trainer over Bluetooth', () => {
  test('is paired by two taps, follows the plan, and measures what the devices say', async () => {
    await rider.page.getByRole('button', { name: 'Sweet spot hour' }).click();
    await rider.page.getByText('A simulated trainer rides. Connect yours').waitFor();
    await rider.photograph('desktop-dark-devices');
    await press('Back to the workouts');
    await rideSecondInterval();
    // Asked again when the answer is long in coming, as on a busy machine.
    const hex = hexSince(0).filter((bytes, write, all) => bytes !== all[write - 1]);
    // Control, start, then nothing to brake until the ride begins.
    expect(hex.slice(0, 3)).toEqual(['00', '07', '050000']);
    expect(hex.filter((bytes) => !/^(00|07|05....)$/.test(bytes))).toEqual([]);
    expect(hex.filter((bytes) => bytes === '00')).toHaveLength(1);
    const powers = trainer.powersSince(3);
    expect(powers.at(-1)).toBe(110);
    expect(Math.max(...powers)).toBe(110);
    expect(await rider.number('cadence')).toBe('90');
    await untilNumber('heart', /^151$/);
    const told = trainer.writes.length;
    await rider.page.keyboard.press('ArrowRight');
    await untilTarget(176);
    await rider.page.keyboard.press('Shift+ArrowUp');
    await untilTarget(185);
    // Perhaps with a repetition among them.
    expect([...new Set([110, ...trainer.powersSince(told)])]).toEqual([110, 176, 185]);
    await rider.page.keyboard.press('Space');
    await untilTarget(0);
    await rider.photograph('desktop-dark-bluetooth-paused');
  });

  test('begins with the legs for a rider who has said so once, also in a page loaded again', async () => {
    trainer.cadenceRpm = 0;
    await rider.page.getByRole('button', { name: 'Sweet spot hour' }).click();
    bluetooth.pick(trainer.address);
    await press('Connect a trainer');
    await rider.page.getByText('EMULATED TRAINER', { exact: true }).waitFor();
    await rider.page.getByLabel('Start when I pedal').check();
    await rider.page.getByText('Ready when you are: pedal, and it starts.').waitFor();
    await rider.page.reload();
    await rider.page.getByText('EMULATED TRAINER', { exact: true }).waitFor();
    expect(await rider.page.getByLabel('Start when I pedal').isChecked()).toBe(true);
    expect(await rider.page.getByRole('button', { name: /^Start/ }).isVisible()).toBe(true);
    trainer.cadenceRpm = 90;
    await rider.page.getByRole('button', { name: /^Pause/ }).waitFor();
    await expect.poll(() => rider.elapsedS(), patiently).toBeGreaterThanOrEqual(2);
    await expect.poll(() => trainer.targetW, patiently).toBeGreaterThan(0);
  });

  test('a link lost in mid-interval makes the ride wait, and comes back by itself and softly', async () => {
    await rideSecondInterval();
    const told = trainer.writes.length;
    trainer.isReachable = false;
    await trainer.drop();
    await rider.page.getByText('EMULATED TRAINER is out of reach. Trying again').waitFor();
    await rider.page.getByText('The trainer is out of reach. The clock waits for it.').waitFor();
    await rider.photograph('desktop-dark-trainer-lost');
    const stoodS = await rider.elapsedS();
    // While it is away: once it is not, the page may be faster than the finger.
    await press('Reconnect');
    trainer.isReachable = true;
    const met = await untilMetAfter(told);
    await untilTold(met, 110);
    expect(hexSince(met).slice(0, 2)).toEqual(['00', '07']);
    const [first = 110, ...risen] = trainer.powersSince(met).filter((powerW) => powerW > 0);
    expect(first).toBeLessThanOrEqual(55);
    expect([first, ...risen]).toEqual([first, ...risen].toSorted((a, b) => a - b));
    await expect.poll(() => rider.elapsedS(), patiently).toBeGreaterThan(stoodS + 3);
    expect(await rider.page.getByRole('button', { name: 'Reconnect' }).isVisible()).toBe(false);
  });

  test('a server killed in mid-interval is nothing to the trainer: no wrong target, no gap, no new link', async () => {
    await rideSecondInterval();
    const told = trainer.writes.length;
    await server.kill();
    await expect.poll(() => rider.badge(), patiently).toMatch(/^riding offline/);
    await rider.page.keyboard.press('ArrowRight');
    await untilTarget(176);
    await server.start();
    await expect.poll(() => rider.badge(), patiently).toMatch(/^saved/);
    expect(await rider.number('target')).toBe('176');
    const powers = trainer.powersSince(told);
    expect(powers.filter((powerW) => powerW !== 110 && powerW !== 176)).toEqual([]);
    expect(powers).toEqual(powers.toSorted((a, b) => a - b));
    expect(trainer.writes).toHaveLength(told + powers.length);
    // Told again every ten seconds, so that no trainer lets go of it.
    expect(longestSilenceMs(told)).toBeLessThan(20_000);
    await untilNumber('power', /^17\d$/);
  });

  test('a page loaded again finds its trainer without a tap, and the same target', async () => {
    await rideSecondInterval();
    const told = trainer.writes.length;
    await rider.page.reload();
    await rider.page.getByText('EMULATED TRAINER · EMULATED STRAP').waitFor();
    const met = await untilMetAfter(told);
    await untilTold(met, 110);
    expect(hexSince(met).slice(0, 2)).toEqual(['00', '07']);
    expect(Math.max(...trainer.powersSince(met))).toBe(110);
  });
});
