import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { barriers } from './accessible.ts';
import { bluetoothFlags, emulateBluetooth, type EmulatedBluetooth } from './emulated-bluetooth.ts';
import { EmulatedTrainer, type EmulatedLevels } from './emulated-devices.ts';
import { newRider, startAppServer, startBrowser, type AppServer, type Rider } from './live-page.ts';

const desktop = { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' } as const;
const patiently = { timeout: 120_000, interval: 100 };
const takesAll = [0x0c, 0x20, 0, 0];
const takesLevels = [0x04, 0, 0, 0];

let server: AppServer;
let browser: Browser;
let bluetooth: EmulatedBluetooth;
let rider: Rider;
let trainer: EmulatedTrainer;
beforeAll(async () => {
  server = await startAppServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  browser = await startBrowser(bluetoothFlags);
  bluetooth = await emulateBluetooth(browser);
});
afterEach(async () => {
  trainer.rest();
  await rider.leave();
  await bluetooth.close();
  await browser.close();
  await server.start();
  if (rider.problems.length > 0) throw new Error(rider.problems.join('\n'));
});

const untilNumber = (name: string, is: RegExp) =>
  expect.poll(() => rider.number(name), patiently).toMatch(is);
const untilLast = (hex: string) =>
  expect.poll(() => trainer.writes.at(-1)?.hex, patiently).toBe(hex);
const hexSince = (write: number) => trainer.writes.slice(write).map(({ hex }) => hex);
const gradesSince = (write: number) =>
  hexSince(write)
    .filter((hex) => hex.startsWith('11'))
    .map((hex) => Buffer.from(hex, 'hex').readInt16LE(3) / 100);
const press = (name: string | RegExp) => rider.page.getByRole('button', { name }).first().click();
const key = (name: string) => rider.page.keyboard.press(name);
/** The number of the first write of a page or a link that met the trainer after that write. */
async function untilMetAfter(write: number): Promise<number> {
  await expect.poll(() => trainer.writesBeforeMet, patiently).toBeGreaterThanOrEqual(write);
  return trainer.writesBeforeMet;
}

/** Chooses a free ride and connects a trainer that can be set to this. */
async function sitOn(targets: readonly number[], levels?: EmulatedLevels): Promise<void> {
  trainer = new EmulatedTrainer(targets, levels);
  await bluetooth.install(trainer);
  trainer.pedal();
  rider = await newRider(browser, server.url, desktop, bluetooth.prepare);
  await press(/^Free ride/);
  bluetooth.pick(trainer.address);
  await press('Connect a trainer');
  await rider.page.getByText('EMULATED TRAINER', { exact: true }).waitFor();
}

const threeAndAHalf = '1100005e012833';

/** Comes back from a level road, never steeper than asked, in control. */
async function expectSoftly(met: number): Promise<void> {
  await expect.poll(() => gradesSince(met).at(-1), patiently).toBe(3.5);
  // Asked again when the answer is long in coming, as on a busy machine.
  const told = hexSince(met).filter((hex, index, all) => hex !== all[index - 1]);
  expect(told.slice(0, 2)).toEqual(['00', '07']);
  const grades = gradesSince(met);
  expect(grades[0]).toBe(0);
  expect(grades).toEqual(grades.toSorted((a, b) => a - b));
}

describe('a free ride on a trainer over Bluetooth', () => {
  test('by grade: the same through a killed server, a page loaded again and a lost trainer; then by level', async () => {
    await sitOn(takesAll);
    await untilNumber('target', /^0\.0$/);
    expect(await barriers(rider.page)).toEqual([]);
    await rider.photograph('desktop-dark-free-ready');
    await key('Space');
    await expect.poll(() => rider.elapsedS(), patiently).toBeGreaterThanOrEqual(1);
    await key('ArrowUp');
    await key('Shift+ArrowUp');
    await untilNumber('target', /^3\.0$/);
    await expect.poll(() => trainer.gradePercent, patiently).toBe(3);

    await server.kill();
    await expect.poll(() => rider.badge(), patiently).toMatch(/^riding offline/);
    await press('More brake');
    await untilLast(threeAndAHalf);
    const told = trainer.writes.length;
    await server.start();
    await expect.poll(() => rider.badge(), patiently).toMatch(/^saved/);
    expect(await rider.number('target')).toBe('3.5');
    // Told again every ten seconds, and nothing else.
    await expect.poll(() => hexSince(told).length, patiently).toBeGreaterThan(0);
    expect(new Set(hexSince(told))).toEqual(new Set([threeAndAHalf]));

    const loaded = trainer.writes.length;
    await rider.page.reload();
    await rider.page.getByText('EMULATED TRAINER', { exact: true }).waitFor();
    await expectSoftly(await untilMetAfter(loaded));
    expect(await rider.number('target')).toBe('3.5');

    const lost = trainer.writes.length;
    trainer.isReachable = false;
    await trainer.drop();
    await rider.page.getByText('The trainer is out of reach. The clock waits for it.').waitFor();
    await press('Reconnect');
    trainer.isReachable = true;
    await expectSoftly(await untilMetAfter(lost));
    expect(await barriers(rider.page)).toEqual([]);
    await rider.photograph('desktop-dark-free-ride');

    await key('m');
    await untilLast('04c800');
    expect(await rider.number('target')).toBe('20');
    await key('ArrowDown');
    await untilLast('04be00');
    await key('ArrowRight');
    expect(await rider.number('target')).toBe('19');
    await key('l');
    await untilNumber('interval', /^0:0\d$/);
    await key('Space');
    await untilLast('050000');
    await key('f');
    await rider.page.locator('.confirm').getByRole('button', { name: 'Finish' }).click();
    await rider.page.getByRole('heading', { name: 'What happened' }).waitFor();
    const { page } = rider;
    expect(await page.getByText('Planned and ridden').count()).toBe(0);
    const text = await page.locator('main').innerText();
    expect(text).not.toMatch(/NaN|Infinity|undefined/);
    expect(text).toMatch(/Grade\s3\.5\s%/);
    expect(text).toMatch(/Resistance\s19/);
    expect(await page.locator('path[d*="NaN"]').count()).toBe(0);
    expect(await barriers(page)).toEqual([]);
  });

  test('on a trainer that takes levels in one byte and no grade begins with a level, and offers nothing else', async () => {
    await sitOn(takesLevels, { max: 24, bytes: 1 });
    await rider.page
      .getByText('EMULATED TRAINER takes a resistance level, and no grade.')
      .waitFor();
    await untilNumber('target', /^5$/);
    expect(await rider.page.getByRole('button', { name: 'By grade' }).isVisible()).toBe(false);
    // At rest at the lowest, whatever it was left at.
    await untilLast('0400');
    await key('Space');
    await untilLast('0432');
    await key('Shift+ArrowUp');
    await untilLast('0464');
    await key('m');
    expect(await rider.number('target')).toBe('10');
    expect(gradesSince(0)).toEqual([]);
    expect(hexSince(0).filter((hex) => hex.length === 6)).toEqual(['040000']);
  });
});
