/** `npm run screenshots`: every screen of a ride, on a phone and a laptop, dark and light, into `dist/screenshots/`. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { newRider, startAppServer, startBrowser, type AppServer, type Rider } from './live-page.ts';

const patiently = { timeout: 60_000, interval: 100 };
const laptop = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
const looks = [
  { name: 'laptop-dark', ...laptop, colorScheme: 'dark' },
  { name: 'laptop-light', ...laptop, colorScheme: 'light' },
  { name: 'phone-dark', ...phone, colorScheme: 'dark' },
  { name: 'phone-light', ...phone, colorScheme: 'light' },
] as const;

let server: AppServer;
let browser: Browser;
beforeAll(async () => {
  [server, browser] = await Promise.all([startAppServer(), startBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await server.stop();
});

/** A picture of the screen as it is, which must not be wider than the device. */
async function photograph({ page, photograph }: Rider, name: string): Promise<void> {
  const widths = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  expect(widths[0], name).toBeLessThanOrEqual(widths[1] ?? 0);
  await photograph(name);
}

test.each(looks)('every screen fits, $name', async ({ name, ...look }) => {
  const rider = await newRider(browser, server.url, look, async (page) => {
    // The page's own timer beats instead, and a quarter of an hour goes by in moments.
    await page.route('**/ticker-worker.js', (route) => route.abort());
    await page.clock.install();
  });
  const { page } = rider;
  const take = (screen: string) => photograph(rider, `${name}-${screen}`);
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second += 1) await page.clock.runFor(1_000);
  };
  const press = (button: string | RegExp) =>
    page.getByRole('button', { name: button }).first().click();
  const untilBadge = (text: RegExp) =>
    expect
      .poll(async () => {
        await pass(1);
        return rider.badge();
      }, patiently)
      .toMatch(text);
  await take('1-start');
  await press('Your profile');
  await page.getByLabel('Weight').fill('70');
  await take('2-profile');
  await press('Back');
  await press('Lunch break');
  await page.getByText('Ready when you are.').waitFor();
  await take('3-ready');
  await press(/^Start/);
  await pass(590);
  await untilBadge(/^saved/);
  await take('4-ride');
  await press(/^Pause/);
  await press('Second screen');
  await page.getByLabel('Link for a second screen').waitFor();
  await take('5-paused');
  const link = await page.getByLabel('Link for a second screen').inputValue();
  await press(/^Resume/);
  await press(/^Lap/);
  await server.kill();
  await untilBadge(/^riding offline/);
  await pass(20);
  await take('6-offline');
  await press(/^Finish/);
  await take('7-finish');
  await press('Keep riding');
  await server.start();
  await untilBadge(/^saved/);
  const watcher = await newRider(browser, link, look);
  await watcher.page.getByRole('heading', { name: 'Lunch break' }).waitFor();
  await watcher.page.getByText('live').waitFor();
  await photograph(watcher, `${name}-8-second-screen`);
  await watcher.leave();
  await press(/^Finish/);
  await page.locator('.confirm').getByRole('button', { name: 'Finish' }).click();
  await page.locator('.timeline').waitFor();
  await page.locator('.charts canvas').first().waitFor();
  await untilBadge(/^saved$/);
  await take('9-report');
  await press('New ride');
  await press('Your rides');
  await page.getByRole('button', { name: /^Lunch break/ }).waitFor();
  await take('10-rides');
  await rider.leave();
  expect(rider.problems).toEqual([]);
});
