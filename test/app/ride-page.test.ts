import { readFile } from 'node:fs/promises';

import FitParser from 'fit-file-parser';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { newRider, startAppServer, startBrowser, type AppServer, type Rider } from './live-page.ts';

const desktop = { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' } as const;
const light = { ...desktop, colorScheme: 'light' } as const;
const phone = {
  viewport: { width: 360, height: 740 },
  colorScheme: 'dark',
  isMobile: true,
  hasTouch: true,
} as const;

/** A quarter of a minute in four segments. */
const shortWorkout = `<workout_file><name>Short and sharp</name><sportType>bike</sportType><workout>
  <Warmup Duration="5" PowerLow="0.5" PowerHigh="0.8"/>
  <SteadyState Duration="5" Power="1.1" Cadence="95"><textevent timeoffset="0" message="Now!"/></SteadyState>
  <FreeRide Duration="3"/><SteadyState Duration="3" Power="0.5"/><Surprise/>
</workout></workout_file>`;

let server: AppServer;
let browser: Browser;
let rider: Rider;
beforeAll(async () => {
  [server, browser] = await Promise.all([startAppServer(), startBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await server.stop();
});
afterEach(async () => {
  await rider.leave();
  await server.start();
  if (rider.problems.length > 0) throw new Error(rider.problems.join('\n'));
});

/** Waits for a condition of the page; the browser's own clock is what rides are made of. */
const patiently = { timeout: 120_000, interval: 100 };
const untilElapsed = (seconds: number) =>
  expect.poll(() => rider.elapsedS(), patiently).toBeGreaterThanOrEqual(seconds);
const untilBadge = (text: string | RegExp) =>
  expect.poll(() => rider.badge(), patiently).toMatch(text);

async function startRiding(workout: string, photo?: string): Promise<void> {
  await rider.page.getByRole('button', { name: workout }).click();
  await rider.page.getByRole('button', { name: /^Start/ }).waitFor();
  if (photo !== undefined) {
    // Chromium on Linux gives no page Bluetooth, and the page says so.
    await rider.page.getByText('This browser lets no page reach a trainer.').waitFor();
    await rider.photograph(photo);
  }
  await rider.page.keyboard.press('Space');
  await untilElapsed(3);
}

/** What the message says from now on: gathered in the page, as each text stays for seconds only and a busy machine may be late. */
async function messagesFromNow(): Promise<() => Promise<readonly string[]>> {
  const said = await rider.page.evaluateHandle(() => {
    const texts: string[] = [];
    const message = document.querySelector('.message') as HTMLElement;
    new MutationObserver(() => texts.push(message.textContent)).observe(message, {
      childList: true,
    });
    return texts;
  });
  return () => said.jsonValue();
}

async function finish(): Promise<void> {
  await rider.page.getByRole('button', { name: 'Finish' }).click();
  await rider.page.locator('.confirm').getByRole('button', { name: 'Finish' }).click();
  await rider.page.getByRole('button', { name: 'New ride' }).waitFor();
}

/** All this device has recorded is in Postgres, once, and that is so many seconds of riding at least. */
async function expectAllSaved(secondsMin: number): Promise<void> {
  await untilBadge(/^saved$/);
  const saved = await server.savedSeconds();
  expect(saved).toHaveLength(await rider.keptSampleCount());
  expect(saved).toEqual([...new Set(saved)].toSorted((a, b) => a - b));
  // A busy machine may let seconds go by without a look at the trainer.
  expect(saved.length).toBeGreaterThanOrEqual(secondsMin / 2);
}

describe('a ride in a browser', () => {
  test('a workout is picked, ridden, steered by keys, finished and saved', async () => {
    rider = await newRider(browser, server.url, desktop);
    await rider.page.getByLabel('Your FTP').fill('250');
    await rider.photograph('desktop-dark-start');
    await startRiding('Lunch break', 'desktop-dark-ready');
    // It rises by a watt in five seconds.
    expect(await rider.number('target')).toMatch(/^11[3-9]$/);
    await expect
      .poll(async () => Number(await rider.number('power')), patiently)
      .toBeGreaterThan(60);
    await untilBadge(/^saved/);
    await rider.page.keyboard.press('Shift+ArrowDown');
    await rider.page.keyboard.press('ArrowUp');
    expect(await rider.number('intensity')).toMatch(/^96/);
    await rider.page.keyboard.press('ArrowRight');
    expect(await rider.number('target')).toBe('269');
    const said = await messagesFromNow();
    const beforeS = await rider.elapsedS();
    await rider.page.keyboard.press('l');
    const lapNote = /^Lap 1: (\d+):(\d\d) at \d+\sW$/;
    const lapS = async (): Promise<number> => {
      const note = (await said()).map((text) => lapNote.exec(text)).find((match) => match !== null);
      return Number(note?.[1]) * 60 + Number(note?.[2]);
    };
    await expect.poll(lapS, patiently).toBeGreaterThanOrEqual(beforeS);
    expect(await lapS()).toBeLessThanOrEqual(await rider.elapsedS());
    await untilElapsed(8);
    await rider.photograph('desktop-dark-ride');
    await rider.page.keyboard.press('Space');
    await rider.page.getByText('Paused.').waitFor();
    await untilBadge(/^saved$/);
    await rider.page.keyboard.press('Space');
    await untilElapsed(10);
    await finish();
    await expectAllSaved(10);
    await rider.photograph('desktop-dark-summary');
    const [download] = await Promise.all([
      rider.page.waitForEvent('download'),
      rider.page.getByRole('button', { name: 'Download as .fit' }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(/^\d{4}-\d\d-\d\d-lunch-break\.fit$/);
    const file = await readFile(await download.path());
    const fit = await new FitParser({ force: false, mode: 'list' }).parseAsync(file);
    expect(fit.records).toHaveLength(await rider.keptSampleCount());
    expect(fit.laps).toHaveLength(2);
    expect(fit.events?.map(({ event_type }) => event_type)).toEqual([
      'start',
      'stop_all',
      'start',
      'stop_all',
    ]);
  });

  test('the end is asked about and answered by keys alone, and the answer may be no', async () => {
    rider = await newRider(browser, server.url, light);
    const question = rider.page.getByText('Finish this ride?');
    await startRiding('Ramp test');
    await rider.page.keyboard.press('f');
    await question.waitFor();
    await rider.page.keyboard.press('Escape');
    await question.waitFor({ state: 'hidden' });
    const keptS = await rider.elapsedS();
    await untilElapsed(keptS + 1);
    // What has the focus is the harmless answer.
    await rider.page.keyboard.press('Shift+F');
    await question.waitFor();
    await rider.page.keyboard.press('Enter');
    await question.waitFor({ state: 'hidden' });
    expect(await rider.page.getByRole('button', { name: /^Pause/ }).isVisible()).toBe(true);
    await rider.page.keyboard.press('f');
    await rider.page.keyboard.press('Shift+Tab');
    await rider.page.keyboard.press('Enter');
    await rider.page.getByRole('heading', { name: 'Well ridden' }).waitFor();
    await untilBadge(/^saved$/);
  });

  test.each([
    { screen: 'tv', width: 1920, height: 1080 },
    { screen: 'laptop', width: 1280, height: 800 },
  ])(
    'is read from two metres on a $screen: a sixth of its height for each number that counts, and all on one screen',
    async ({ screen, ...viewport }) => {
      rider = await newRider(browser, server.url, { ...desktop, viewport });
      await startRiding('Lunch break');
      const texts = await rider.page.locator('.ride .value').evaluateAll((values) =>
        values.map((value) => ({
          name: value.closest('[data-number]')?.getAttribute('data-number') ?? '',
          share: Number.parseFloat(getComputedStyle(value).fontSize) / innerHeight,
        })),
      );
      const shares = (names: readonly string[]) =>
        texts.filter(({ name }) => names.includes(name)).map(({ share }) => share);
      const main = shares(['target', 'power', 'interval']);
      expect(main).toHaveLength(3);
      expect(Math.min(...main)).toBeGreaterThan(1 / 6);
      const others = shares(['elapsed', 'remaining', 'cadence', 'heart', 'intensity']);
      expect(others).toHaveLength(5);
      expect(Math.min(...others)).toBeGreaterThan(1 / 15);
      const size = await rider.page.evaluate(() => [
        document.documentElement.scrollWidth,
        document.documentElement.scrollHeight,
      ]);
      expect(size).toEqual([viewport.width, viewport.height]);
      await rider.photograph(`${screen}-dark-ride`);
    },
  );

  test('a server killed in mid-ride is a word in the badge, and every second is saved in the end', async () => {
    rider = await newRider(browser, server.url, light);
    await startRiding('Sweet spot hour');
    await rider.page.getByRole('button', { name: 'Skip' }).click();
    expect(await rider.number('target')).toBe('110');
    await server.kill();
    await untilBadge(/^reconnecting…|^riding offline/);
    const brokenS = await rider.elapsedS();
    await untilBadge(/^riding offline\s+\d+ seconds to deliver/);
    await untilElapsed(brokenS + 5);
    // The rider comes softly to the target, server or not.
    await expect
      .poll(async () => Number(await rider.number('power')), patiently)
      .toBeGreaterThan(80);
    expect(await rider.number('target')).toBe('110');
    await rider.photograph('desktop-light-offline');
    await server.start();
    await untilBadge(/^saved\s+back after .*, nothing lost/);
    await rider.photograph('desktop-light-back');
    await finish();
    await expectAllSaved(brokenS + 5);
  });

  test('a tab refreshed in mid-ride is back in the same second of the same ride', async () => {
    rider = await newRider(browser, server.url, desktop);
    await startRiding('Long endurance');
    await rider.page.keyboard.press('Shift+ArrowUp');
    const atMs = Date.now();
    const beforeS = await rider.elapsedS();
    await rider.page.reload();
    await rider.page.getByRole('heading', { name: 'Long endurance' }).waitFor();
    await untilElapsed(beforeS);
    // The clock went on while the page was away, no faster and no slower than the one on the wall, which is asked around it.
    const afterS = await rider.elapsedS();
    const passedS = (Date.now() - atMs) / 1000;
    expect(afterS).toBeLessThanOrEqual(beforeS + passedS + 1);
    expect(await rider.number('intensity')).toMatch(/^105/);
    expect(await rider.number('target')).toMatch(/^9[5-9]$/);
    await untilBadge(/back in your ride, nothing lost/);
    await untilElapsed(beforeS + 4);
    await finish();
    await untilBadge(/^saved$/);
    const saved = await server.savedSeconds();
    expect(saved.length).toBeGreaterThanOrEqual(beforeS + 4 - passedS);
  });

  test('on a phone a workout file is taken, ridden to its end and summed up', async () => {
    rider = await newRider(browser, server.url, phone);
    await rider.photograph('phone-dark-start');
    const file = { name: 'short.zwo', mimeType: 'text/xml', buffer: Buffer.from(shortWorkout) };
    await rider.page
      .locator('input[type=file]')
      .setInputFiles({ ...file, buffer: Buffer.from('<gpx/>') });
    await rider.page.getByText('This is no .zwo file').waitFor();
    await rider.page.locator('input[type=file]').setInputFiles(file);
    await rider.page.getByText('Unknown tag <Surprise> is passed over').waitFor();
    await startRiding('Short and sharp', 'phone-dark-ready');
    await rider.page.getByText('Now!').waitFor();
    expect(await rider.page.locator('.next').innerText()).toBe('then 0:03 free');
    await rider.photograph('phone-dark-ride');
    const width = await rider.page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBe(phone.viewport.width);
    await rider.page.getByText('That was the plan.').waitFor();
    expect(await rider.number('target')).toBe('free');
    await finish();
    await untilBadge(/^saved$/);
    await rider.photograph('phone-dark-summary');
    await rider.page.getByRole('button', { name: 'New ride' }).click();
    await rider.page.getByRole('button', { name: 'Lunch break' }).waitFor();
  });

  test('a course dropped anywhere on the page becomes a card, in the watts of the rider', async () => {
    rider = await newRider(browser, server.url, light);
    await rider.page.getByLabel('Your FTP').fill('250');
    const course =
      '[COURSE HEADER]\nFTP = 300\nMINUTES WATTS\n[COURSE DATA]\n0 150\n9 150\n9 300\n12 300';
    await rider.page.evaluate((text) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([text], 'hill.erg'));
      const target = document.querySelector('h1') as HTMLElement;
      target.dispatchEvent(
        new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }),
      );
    }, course);
    await rider.page.getByText('written for an FTP of 300 W; targets follow yours').waitFor();
    await rider.photograph('desktop-light-imported');
    await startRiding('Workout without a name');
    expect(await rider.number('target')).toBe('125');
  });

  test('a ride begins while the service is away, and is saved when it is back', async () => {
    rider = await newRider(browser, server.url, desktop);
    await server.kill();
    await startRiding('Ramp test');
    await untilBadge(/^riding offline/);
    await server.start();
    await untilBadge(/^saved/);
  });
});
