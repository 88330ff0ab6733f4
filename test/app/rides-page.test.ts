import { readFile } from 'node:fs/promises';

import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { barriers } from './accessible.ts';
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

const press = (name: string | RegExp) => rider.page.getByRole('button', { name }).first().click();
const untilElapsed = (seconds: number) =>
  expect.poll(() => rider.elapsedS(), patiently).toBeGreaterThanOrEqual(seconds);
const download = async (name: string | RegExp): Promise<string> => {
  const [file] = await Promise.all([rider.page.waitForEvent('download'), press(name)]);
  return readFile(await file.path(), 'utf8');
};

test('a ride that is over is reported, listed, renamed, exported with all else, and deleted', async () => {
  rider = await newRider(browser, server.url, desktop);
  await press('Your profile');
  await rider.page.getByLabel('FTP').fill('260');
  await rider.page.getByLabel('Weight').fill('65');
  await rider.page.getByText('4.0 W/kg at FTP').waitFor();
  await rider.page.getByRole('cell', { name: 'to 143 W' }).waitFor();
  expect(await barriers(rider.page)).toEqual([]);
  await rider.photograph('desktop-dark-profile');
  await press('Back');
  await press('Lunch break');
  await rider.page.getByRole('button', { name: /^Start/ }).waitFor();
  await rider.page.keyboard.press('Space');
  await untilElapsed(4);
  await server.kill();
  await expect.poll(() => rider.badge(), patiently).toMatch(/^reconnecting|^riding offline/);
  await rider.page.keyboard.press('ArrowRight');
  await untilElapsed(8);
  await server.start();
  await expect.poll(() => rider.badge(), patiently).toMatch(/^saved/);
  await rider.page.reload();
  await rider.page.getByText('back in your ride').waitFor();
  await untilElapsed(12);
  await press('Finish');
  await rider.page.locator('.confirm').getByRole('button', { name: 'Finish' }).click();
  const happened = rider.page.locator('.timeline');
  await happened.getByText(/^Connection lost, back after .*, nothing lost$/).waitFor();
  await happened.getByText(/^The page was loaded again.*, nothing lost$/).waitFor();
  await happened.getByText(/^Skipped /).waitFor();
  await rider.page.locator('.charts canvas').first().waitFor();
  const [first = ''] = await rider.page.locator('.intervals tbody tr').allInnerTexts();
  expect(first).toMatch(/^1\s+0:\d\d of 6:00\s+1[12]\d\s/);
  expect(await barriers(rider.page)).toEqual([]);
  await rider.photograph('desktop-dark-report');
  await expect.poll(() => rider.badge(), patiently).toMatch(/^saved$/);
  await press('New ride');
  await press('Your rides');
  await rider.page.getByRole('button', { name: /^Lunch break/ }).waitFor();
  expect(await barriers(rider.page)).toEqual([]);
  await rider.photograph('desktop-dark-rides');
  await press(/^Lunch break/);
  await happened.getByText(/^Connection lost/).waitFor();
  await press('Rename');
  await rider.page.getByLabel('Name of the ride').fill('Tuesday with Ann');
  await press('Save');
  await rider.page.getByRole('heading', { name: 'Tuesday with Ann' }).waitFor();
  expect(await download('Download as .csv')).toMatch(/^elapsed_s,power_w/);
  await press('Back');
  // Kept: also for a page that is loaded anew.
  await rider.page.reload();
  await press('Your rides');
  await rider.page.getByRole('button', { name: /^Tuesday with Ann/ }).waitFor();
  const data = JSON.parse(await download('Download everything')) as {
    profile: object;
    rides: { name: string; commands: unknown[]; incidents: unknown[] }[];
  };
  expect(data).not.toHaveProperty('account');
  expect(data.profile).toEqual({ ftpW: 260, weightKg: 65 });
  expect(data.rides).toMatchObject([{ name: 'Tuesday with Ann' }]);
  // A busy machine may let seconds go by without a look at the trainer.
  expect(data.rides[0]?.commands.length).toBeGreaterThan(6);
  expect(data.rides[0]?.incidents.length).toBeGreaterThanOrEqual(2);
  await press(/^Tuesday with Ann/);
  await press('Delete');
  await press('Delete it');
  await rider.page.getByText('No rides yet.').waitFor();
});
