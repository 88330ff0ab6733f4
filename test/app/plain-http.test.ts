/** Over plain HTTP from another machine of the house: browsers give such a page no locks, no cryptography, no service worker. */
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { startSmtpSink, type SmtpSink } from '../accounts/smtp-sink.ts';
import { freePort } from '../support/services/free-port.ts';
import { makeAccount, signIn } from './account-rider.ts';
import { newRider, startAppServer, startBrowser, type AppServer, type Rider } from './live-page.ts';

const laptop = { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' } as const;
const patiently = { timeout: 60_000, interval: 100 };

let server: AppServer;
let url: string;
let browser: Browser;
let mails: SmtpSink;
let rider: Rider;
beforeAll(async () => {
  mails = await startSmtpSink();
  const PORT = String(await freePort());
  url = `http://ride.lan:${PORT}`;
  [server, browser] = await Promise.all([
    startAppServer({ MAIL_URL: mails.url, HASH_COST: '4', PORT, PUBLIC_URL: url }),
    startBrowser(['--host-resolver-rules=MAP ride.lan 127.0.0.1']),
  ]);
});
afterAll(async () => {
  await browser.close();
  await server.stop();
  await mails.stop();
});
afterEach(async () => {
  await rider.leave();
  if (rider.problems.length > 0) throw new Error(rider.problems.join('\n'));
});

const press = (name: string | RegExp) => rider.page.getByRole('button', { name }).first().click();
const finish = async (): Promise<void> => {
  await press(/^Finish/);
  await rider.page.locator('.confirm').getByRole('button', { name: 'Finish' }).click();
};

test('who is signed in stays so in a page loaded again', async () => {
  await makeAccount(url.replace('ride.lan', '127.0.0.1'), mails, 'ada@example.com');
  rider = await newRider(browser, url, laptop);
  expect(await rider.page.evaluate(() => globalThis.isSecureContext)).toBe(false);
  await signIn(rider, 'ada@example.com');
  await rider.page.reload();
  await press('Your account');
  await rider.page.getByRole('heading', { level: 1, name: 'ada@example.com' }).waitFor();
});

test('a ride begun without the service is listed once, under the id it gets with its delivery', async () => {
  rider = await newRider(browser, url, laptop);
  const { page } = rider;
  await page.route('**/v1/sessions', (route) => route.abort());
  await press(/^Lunch break/);
  await page.getByRole('button', { name: /^Start/ }).click();
  // A beginning that takes less than ten seconds is like any other, and is not told of.
  await expect.poll(() => rider.elapsedS(), patiently).toBeGreaterThanOrEqual(11);
  await finish();
  await page.getByRole('button', { name: 'Download as .fit' }).waitFor();
  expect(await rider.badge()).toMatch(/offline/);
  await page.unroute('**/v1/sessions');
  await expect.poll(() => rider.badge(), patiently).toMatch(/^saved$/);
  await press('New ride');
  await press('Your rides');
  const cards = page.getByRole('button', { name: /^Lunch break/ });
  await cards.first().waitFor();
  expect(await cards.count()).toBe(1);
  await cards.click();
  // What happened beside it came along.
  await page
    .locator('.timeline')
    .getByText(/nothing lost/)
    .waitFor();
});
