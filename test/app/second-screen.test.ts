import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { addressOf, linkFromAddress } from '../../client/app/second-screen/reader-link.ts';
import { riderClock } from '../../client/app/second-screen/watched-ride.ts';
import { manualClock } from '../support/manual-clock.ts';
import { barriers } from './accessible.ts';
import { newRider, startAppServer, startBrowser, type AppServer } from './live-page.ts';

const desktop = { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' } as const;
const tv = { viewport: { width: 1920, height: 1080 }, colorScheme: 'dark' } as const;
const patiently = { timeout: 60_000, interval: 100 };

let server: AppServer;
let browser: Browser;
beforeAll(async () => {
  [server, browser] = await Promise.all([startAppServer(), startBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await server.stop();
});

describe('a second screen', () => {
  test('shows the ride by a link, through a killed server, steers nothing, and goes dark when the link is taken back', async () => {
    const rider = await newRider(browser, server.url, desktop);
    await rider.page.getByRole('button', { name: 'Sweet spot hour' }).click();
    await rider.page.getByRole('button', { name: 'Second screen' }).click();
    const shown = rider.page.getByLabel('Link for a second screen');
    await expect.poll(() => shown.inputValue(), patiently).toMatch(/^http/);
    const link = await shown.inputValue();
    await rider.photograph('desktop-dark-share');
    expect(await barriers(rider.page)).toEqual([]);
    await rider.page.keyboard.press('Tab');
    await rider.page.getByRole('button', { name: /^Start/ }).click();
    await expect.poll(() => rider.elapsedS(), patiently).toBeGreaterThanOrEqual(2);
    const screen = await newRider(browser, link, tv);
    await screen.page.getByRole('heading', { name: 'Sweet spot hour' }).waitFor();
    await expect.poll(() => screen.elapsedS(), patiently).toBeGreaterThanOrEqual(4);
    await expect.poll(() => screen.number('power'), patiently).toMatch(/^\d+$/);
    await screen.page.keyboard.press('ArrowRight');
    // A ramp: they stand a moment apart. Steered, it would be the next interval's 110.
    await expect
      .poll(async () => (await screen.number('target')) === (await rider.number('target')))
      .toBe(true);
    expect(await rider.number('target')).not.toBe('110');
    expect(await screen.page.getByRole('button').count()).toBe(0);
    expect(await screen.badge()).toMatch(/^live/);
    await screen.photograph('tv-dark-second-screen');
    expect(await barriers(screen.page)).toEqual([]);
    await rider.page.keyboard.press('ArrowRight');
    await expect.poll(() => screen.number('target'), patiently).toBe('110');
    await server.kill();
    await expect.poll(() => screen.badge(), patiently).toMatch(/^reconnecting/);
    await server.start();
    await expect.poll(() => screen.badge(), patiently).toMatch(/^live/);
    await expect.poll(() => rider.badge(), patiently).toMatch(/^saved/);
    // Taken back after a reload, too: the device remembers what it gave out.
    await rider.page.reload();
    await rider.page.getByRole('button', { name: /^Pause/ }).click();
    await rider.page.getByRole('button', { name: 'Take the link back' }).click();
    await rider.page.getByText('Nobody can look by that link any more.').waitFor();
    await screen.page.getByText('This link was taken back').waitFor();
    await Promise.all([rider.leave(), screen.leave()]);
    expect([...rider.problems, ...screen.problems]).toEqual([]);
  });
});

test('a link is read from an address only when it is whole', () => {
  const link = {
    sessionId: 'abcdefghijklmnopqrstuv',
    readerId: `r_${'x'.repeat(22)}`,
    token: `r1.${'y'.repeat(43)}`,
  };
  const address = addressOf(link, 'https://ride.example/');
  const { hash, search, pathname } = new URL(address);
  expect(linkFromAddress(hash)).toEqual(link);
  // No browser sends a fragment: nothing of the secret reaches a log.
  expect([search, pathname]).toEqual(['', '/']);
  expect(linkFromAddress(hash.slice(0, -1))).toBeNull();
  expect(linkFromAddress('#account')).toBeNull();
});

test('the rider’s clock is as far behind as what came soonest', () => {
  const here = manualClock(1_000_000);
  const rider = riderClock(here);
  rider.heard(990_000);
  expect(rider.nowMs()).toBe(990_000);
  here.pass(1_000);
  rider.heard(993_500);
  expect(rider.nowMs()).toBe(993_500);
  here.pass(1_000);
  rider.heard(993_900);
  expect(rider.nowMs()).toBe(994_500);
});
