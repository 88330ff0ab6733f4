import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { newRider, startAppServer, startBrowser, type AppServer, type Rider } from './live-page.ts';

const desktop = { viewport: { width: 1280, height: 800 }, colorScheme: 'light' } as const;
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

const untilElapsed = (who: Rider, seconds: number) =>
  expect.poll(() => who.elapsedS(), patiently).toBeGreaterThanOrEqual(seconds);
const readsAlong = (who: Rider) =>
  who.page.getByText('This ride goes on in another tab.').waitFor({ timeout: 60_000 });
const rides = (who: Rider) =>
  who.page.getByRole('button', { name: /^Pause/ }).waitFor({ timeout: 60_000 });

/** A ramp: one tab may be a moment behind the other. */
const showTheSame = (second: Rider) =>
  expect
    .poll(async () => (await second.number('target')) === (await rider.number('target')))
    .toBe(true);

async function startRiding(workout: string): Promise<void> {
  await rider.page.getByRole('button', { name: workout }).click();
  await rider.page.getByRole('button', { name: /^Start/ }).waitFor();
  await rider.page.keyboard.press('Space');
  await untilElapsed(rider, 3);
}

describe('several tabs of one browser', () => {
  test('a second tab reads along, takes over only when asked, and goes on when the other is closed', async () => {
    rider = await newRider(browser, server.url, desktop);
    await startRiding('Lunch break');
    const second = await rider.openTab();
    await readsAlong(second);
    await untilElapsed(second, 4);
    await showTheSame(second);
    await expect.poll(() => second.number('power'), patiently).toMatch(/^\d+$/);
    expect(await second.page.getByRole('button').allInnerTexts()).toEqual(['Ride here instead']);
    expect(await second.badge()).toMatch(/^saved/);
    await second.photograph('desktop-light-second-tab');
    // The keys of a ride are the other tab's.
    await second.page.keyboard.press('ArrowRight');
    await showTheSame(second);
    // Steered, it would be the first effort's.
    expect(await rider.number('target')).toMatch(/^9\d$/);
    await second.page.getByRole('button', { name: 'Ride here instead' }).click();
    await rides(second);
    await readsAlong(rider);
    const takenS = await second.elapsedS();
    await untilElapsed(second, takenS + 3);
    await untilElapsed(rider, takenS + 3);
    await second.page.close();
    await rides(rider);
    await untilElapsed(rider, takenS + 6);
    await rider.page.getByRole('button', { name: 'Finish' }).click();
    await rider.page.locator('.confirm').getByRole('button', { name: 'Finish' }).click();
    await expect.poll(() => rider.badge(), patiently).toMatch(/^saved$/);
    const saved = await server.savedSeconds();
    expect(saved).toEqual([...new Set(saved)].toSorted((a, b) => a - b));
    expect(saved).toHaveLength(await rider.keptSampleCount());
  });

  test('two tabs at the choice of workouts begin one ride', async () => {
    rider = await newRider(browser, server.url, desktop);
    const second = await rider.openTab();
    await startRiding('Ramp test');
    await second.page.getByRole('button', { name: 'Lunch break' }).click();
    await readsAlong(second);
    await second.page.getByRole('heading', { name: 'Ramp test' }).waitFor();
  });
});

describe('storage that a browser throws away in mid-ride', () => {
  test('is filled again from the page: a reload afterwards has the whole ride', async () => {
    rider = await newRider(browser, server.url, desktop);
    await startRiding('Long endurance');
    const before = await rider.keptSampleCount();
    const cdp = await rider.page.context().newCDPSession(rider.page);
    await cdp.send('Storage.clearDataForOrigin', {
      origin: server.url,
      storageTypes: 'indexeddb',
    });
    await untilElapsed(rider, 6);
    await expect.poll(() => rider.keptSampleCount(), patiently).toBeGreaterThan(before);
    const shownS = await rider.elapsedS();
    await rider.page.reload();
    await rider.page.getByRole('heading', { name: 'Long endurance' }).waitFor();
    await untilElapsed(rider, shownS);
    await expect.poll(() => rider.badge(), patiently).toMatch(/^saved/);
    await rider.page.getByRole('button', { name: 'Finish' }).click();
    await rider.page.locator('.confirm').getByRole('button', { name: 'Finish' }).click();
    await expect.poll(() => rider.badge(), patiently).toMatch(/^saved$/);
    expect(await server.savedSeconds()).toHaveLength(await rider.keptSampleCount());
  });
});
