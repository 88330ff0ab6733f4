import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { newRider, startAppServer, startBrowser, type AppServer, type Rider } from './live-page.ts';

const desktop = { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' } as const;
const patiently = { timeout: 60_000, interval: 100 };

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
  if (rider.problems.length > 0) throw new Error(rider.problems.join('\n'));
});

const untilElapsed = (seconds: number) =>
  expect.poll(() => rider.elapsedS(), patiently).toBeGreaterThanOrEqual(seconds);

declare global {
  interface Window {
    asked: string[];
    wakeLocks: EventTarget[];
    /** Whether it makes the page wait for a lock until it decides; and how many it has given. */
    hesitates: boolean;
    decide: () => void;
    granted: number;
    show: (isShown: boolean) => void;
    tones: { hertz: number; atMs: number }[];
  }
}

describe('that a ride is not thrown away', () => {
  test.each(['yes', 'no', 'an error'])(
    'is asked for when it begins, and not before; it is ridden and kept when the answer is %s',
    async (answer) => {
      const answerWith = (answer: string): void => {
        window.asked = [];
        navigator.storage.persist = () => {
          window.asked.push(document.querySelector('h1')?.innerText ?? '');
          return answer === 'an error'
            ? Promise.reject(new Error('No storage here.'))
            : Promise.resolve(answer === 'yes');
        };
      };
      rider = await newRider(browser, server.url, desktop, async (page) => {
        await page.addInitScript(answerWith, answer);
      });
      const { page } = rider;
      await page.getByRole('button', { name: 'Lunch break' }).waitFor();
      expect(await page.evaluate(() => window.asked)).toEqual([]);
      await page.getByRole('button', { name: 'Lunch break' }).click();
      await page.getByRole('button', { name: /^Start/ }).waitFor();
      // The choice of workouts was still there.
      expect(await page.evaluate(() => window.asked)).toEqual(['What do you ride today?']);
      await page.keyboard.press('Space');
      await untilElapsed(3);
      await expect.poll(() => rider.badge(), patiently).toMatch(/^saved/);
      const riddenS = await rider.elapsedS();
      await page.reload();
      await untilElapsed(riddenS);
      expect(await page.evaluate(() => window.asked)).toEqual([]);
    },
  );
});

/** A browser that keeps the screen on for whoever holds a lock, and that can be hidden; it takes the lock of a hidden page. */
function emulateWakeLock(): void {
  window.wakeLocks = [];
  let isShown = true;
  class Sentinel extends EventTarget {
    readonly type = 'screen';
    released = false;
    release(): Promise<void> {
      this.released = true;
      window.wakeLocks = window.wakeLocks.filter((lock) => lock !== this);
      return Promise.resolve();
    }
  }
  const held: (() => void)[] = [];
  window.hesitates = false;
  window.granted = 0;
  window.decide = () => {
    for (const grant of held.splice(0)) grant();
  };
  const request = async (): Promise<Sentinel> => {
    if (!isShown) throw new DOMException('The page is hidden.', 'NotAllowedError');
    if (window.hesitates) await new Promise<void>((resolve) => held.push(resolve));
    const sentinel = new Sentinel();
    window.wakeLocks.push(sentinel);
    window.granted += 1;
    return sentinel;
  };
  Object.defineProperty(navigator, 'wakeLock', { value: { request } });
  Object.defineProperty(document, 'visibilityState', {
    get: () => (isShown ? 'visible' : 'hidden'),
  });
  window.show = (shown) => {
    isShown = shown;
    if (!shown) for (const lock of window.wakeLocks) void (lock as Sentinel).release();
    document.dispatchEvent(new Event('visibilitychange'));
  };
}

describe('that the screen stays on', () => {
  test('is asked for while somebody rides, by a page that is shown again too, and not for longer', async () => {
    rider = await newRider(browser, server.url, desktop, async (page) => {
      await page.addInitScript(emulateWakeLock);
    });
    const { page } = rider;
    const lockCount = () => page.evaluate(() => window.wakeLocks.length);
    const untilLocks = (count: number) => expect.poll(lockCount, patiently).toBe(count);
    await page.getByRole('button', { name: 'Lunch break' }).click();
    await page.getByRole('button', { name: /^Start/ }).waitFor();
    expect(await lockCount()).toBe(0);
    await page.keyboard.press('Space');
    await untilElapsed(1);
    await untilLocks(1);
    await page.evaluate(() => window.show(false));
    expect(await lockCount()).toBe(0);
    const hiddenS = await rider.elapsedS();
    await untilElapsed(hiddenS + 2);
    expect(await lockCount()).toBe(0);
    await page.evaluate(() => window.show(true));
    await untilLocks(1);
    await untilElapsed((await rider.elapsedS()) + 2);
    expect(await lockCount()).toBe(1);
    await page.keyboard.press('Space');
    await untilLocks(0);
    await page.keyboard.press('Space');
    await untilLocks(1);
    await page.getByRole('button', { name: /^Finish/ }).click();
    await page.locator('.confirm').getByRole('button', { name: 'Finish' }).click();
    await page.getByRole('heading', { name: 'Well ridden' }).waitFor();
    await untilLocks(0);
  });
});

describe('a browser that hesitates', () => {
  test('gives the screen to no page that does not ride any more: the ride was taken over meanwhile', async () => {
    rider = await newRider(browser, server.url, desktop, async (page) => {
      await page.addInitScript(emulateWakeLock);
      await page.addInitScript(() => (window.hesitates = true));
    });
    const { page } = rider;
    await page.getByRole('button', { name: 'Lunch break' }).click();
    await page.getByRole('button', { name: /^Start/ }).waitFor();
    await page.keyboard.press('Space');
    await untilElapsed(2);
    const second = await rider.openTab();
    await second.page.getByRole('button', { name: 'Ride here instead' }).click();
    await page.getByText('This ride goes on in another tab.').waitFor();
    await page.evaluate(() => window.decide());
    await expect.poll(() => page.evaluate(() => window.granted), patiently).toBe(1);
    await expect.poll(() => page.evaluate(() => window.wakeLocks.length), patiently).toBe(0);
  });
});

/** Two intervals of a quarter of a minute. */
const plan =
  '<workout_file><name>Short</name><sportType>bike</sportType><workout>' +
  '<SteadyState Duration="15" Power="0.5"/><SteadyState Duration="15" Power="0.75"/>' +
  '</workout></workout_file>';

/** Notes every tone the page has the browser sound, and when by the page's clock. */
async function listen(page: Page): Promise<void> {
  await page.route('**/ticker-worker.js', (route) => route.abort());
  await page.addInitScript(() => {
    window.tones = [];
    const { start } = OscillatorNode.prototype;
    OscillatorNode.prototype.start = function note(this: OscillatorNode, when?: number) {
      window.tones.push({ hertz: this.frequency.value, atMs: Date.now() });
      start.call(this, when);
    };
  });
  await page.clock.install({ time: new Date('2026-05-01T08:00:00Z') });
  await page.clock.pauseAt(new Date('2026-05-01T09:00:00Z'));
}

async function pass({ page }: Rider, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) await page.clock.runFor(1_000);
}

/** Rides the plan for so long, with beeps or without; what was heard, by whole seconds of riding. */
async function heardIn(seconds: number, hasBeeps: boolean): Promise<(readonly [number, number])[]> {
  rider = await newRider(browser, server.url, desktop, listen);
  const { page } = rider;
  await page
    .locator('input[type=file]')
    .setInputFiles({ name: 'short.zwo', mimeType: 'text/xml', buffer: Buffer.from(plan) });
  await page.getByRole('button', { name: /^Short/ }).click();
  await page.getByRole('button', { name: /^Start/ }).waitFor();
  await page.getByLabel('Beep before a change').setChecked(hasBeeps);
  const startMs = await page.evaluate(() => Date.now());
  // By its button: the space bar would switch what has the focus.
  await page.getByRole('button', { name: /^Start/ }).click();
  await page.getByRole('button', { name: /^Pause/ }).waitFor();
  await pass(rider, seconds);
  const tones = await page.evaluate(() => window.tones);
  return tones.map(({ hertz, atMs }) => [hertz, Math.floor((atMs - startMs) / 1_000)] as const);
}

describe('sound', () => {
  test('is made for the last three seconds of an interval, and otherwise at the change', async () => {
    expect(await heardIn(31, true)).toEqual([
      [660, 12],
      [660, 13],
      [660, 14],
      [990, 15],
      [660, 27],
      [660, 28],
      [660, 29],
    ]);
  });

  test('is not made for who has switched it off', async () => {
    expect(await heardIn(17, false)).toEqual([]);
  });
});
