import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import {
  basic,
  goodKey,
  plannedEvent,
  startIntervalsStandIn,
  type IntervalsStandIn,
} from '../support/intervals-stand-in.ts';
import { barriers } from './accessible.ts';
import { newRider, startAppServer, startBrowser, type AppServer, type Rider } from './live-page.ts';

const laptop = { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' } as const;
const phone = {
  viewport: { width: 360, height: 740 },
  colorScheme: 'light',
  isMobile: true,
  hasTouch: true,
} as const;
const patiently = { timeout: 60_000, interval: 100 };
const testMaxMs = 600_000;

let outside: IntervalsStandIn;
let server: AppServer;
let browser: Browser;
let rider: Rider;
beforeAll(async () => {
  outside = await startIntervalsStandIn();
  [server, browser] = await Promise.all([
    startAppServer({ INTERVALS_URL: outside.url }),
    startBrowser(),
  ]);
});
afterAll(async () => {
  await browser.close();
  await server.stop();
  await outside.stop();
});
beforeEach(() => {
  outside.plan([
    plannedEvent(1, dayAhead(0), 'Sweet spot', zwo('Sweet spot, three times')),
    plannedEvent(2, dayAhead(1), 'Hills', '<workout_file><name>Hills'),
    plannedEvent(3, dayAhead(3), 'Long and easy', zwo('Long and easy')),
  ]);
});
afterEach(async () => {
  await rider.leave();
  await server.start();
  if (rider.problems.length > 0) throw new Error(rider.problems.join('\n'));
});

/** As the browser's own calendar says, so many days from now. */
function dayAhead(days: number): string {
  const day = new Date();
  day.setDate(day.getDate() + days);
  return day.toLocaleDateString('sv-SE');
}

const zwo = (name: string): string =>
  `<workout_file><name>${name}</name><description>From the coach.</description><workout>` +
  '<Warmup Duration="300" PowerLow="0.4" PowerHigh="0.75"/>' +
  '<IntervalsT Repeat="3" OnDuration="480" OffDuration="180" OnPower="0.92" OffPower="0.5"/>' +
  '<Cooldown Duration="300" PowerLow="0.7" PowerHigh="0.4"/></workout></workout_file>';

const press = (name: string | RegExp) => rider.page.getByRole('button', { name }).first().click();
const says = (text: string | RegExp) => rider.page.getByText(text).first().waitFor();
const giveKey = async (key: string) => {
  await rider.page.getByLabel('Your API key').fill(key);
  await press('Check it and keep it');
};
const statusOfKey = async () => {
  const headers = { authorization: basic(goodKey) };
  return (await fetch(`${server.url}/v1/intervals/athletes/0`, { headers })).status;
};
const rideAWhile = async () => {
  await rider.page.getByRole('button', { name: /^Start/ }).waitFor();
  await rider.page.keyboard.press('Space');
  await expect.poll(() => rider.elapsedS(), patiently).toBeGreaterThanOrEqual(4);
  await press('Finish');
  await rider.page.locator('.confirm').getByRole('button', { name: 'Finish' }).click();
  await rider.page.getByRole('button', { name: 'Download as .fit' }).waitFor();
};

test(
  'who gives a key rides what is planned at intervals.icu, and has the ride there once, whatever happens on the way',
  { timeout: testMaxMs },
  async () => {
    rider = await newRider(browser, server.url, laptop);
    await press('Your profile');
    await giveKey('the-key-of-yesterday');
    await says('intervals.icu does not take that key.');
    await giveKey(goodKey);
    await says('Connected as Ada.');
    expect(await barriers(rider.page)).toEqual([]);
    await rider.photograph('intervals-profile-laptop-dark');
    await press('Back');

    await says('Planned at intervals.icu');
    const cards = rider.page.locator('.planned-cards li');
    await cards.nth(2).waitFor();
    const [today = '', tomorrow = '', later = ''] = await cards.allInnerTexts();
    expect(today).toMatch(/^Today\s+Sweet spot, three times/);
    expect(tomorrow).toMatch(/^Tomorrow\s+Hills\s+\S+/);
    expect(await cards.nth(1).getByRole('button').count()).toBe(0);
    expect(later).toMatch(/^\w{3},? \d+ \w{3}\s+Long and easy/);
    expect(await barriers(rider.page)).toEqual([]);
    await rider.photograph('intervals-start-laptop-dark');

    await press('Your workouts');
    await press(/Sweet spot, three times/);
    await says('planned at intervals.icu');
    await press('Keep it');
    await says('It is among your workouts now.');
    await press('Ride it');
    await rideAWhile();

    outside.meets((_request, response) => void response.writeHead(403).end());
    await press('Send to intervals.icu');
    await says('Not sent: intervals.icu does not take your key.');
    outside.meets((_request, response) => void response.writeHead(503).end());
    await press('Send it again');
    await says('No answer from intervals.icu.');
    outside.meets(
      (_request, response) => void response.writeHead(429, { 'retry-after': '1' }).end(),
    );
    await press('Send it again');
    await says('Not sent: intervals.icu takes no more requests just now: try again in 1 s.');
    outside.meets(undefined);
    expect(await barriers(rider.page)).toEqual([]);
    await rider.photograph('intervals-not-sent-laptop-dark');
    await expect.poll(statusOfKey, patiently).toBe(200);

    // It arrives, and the answer does not.
    const upload = '**/v1/intervals/athletes/0/activities';
    let uploads = 0;
    await rider.page.route(upload, async (route) => {
      uploads++;
      await route.fetch();
      await route.abort();
    });
    await rider.page.getByRole('button', { name: 'Send it again' }).dblclick();
    await says(/^No answer in time/);
    await rider.page.unroute(upload);
    expect([uploads, outside.activities.length]).toEqual([1, 1]);
    await press('Send it again');
    await says('It is at intervals.icu already.');
    expect(outside.activities).toMatchObject([{ name: 'Sweet spot, three times' }]);
    expect(outside.activities[0]?.file.subarray(8, 12).toString()).toBe('.FIT');

    // Remembered by a page that is loaded anew, and after the ride was left.
    await rider.page.reload();
    await says('Sent to intervals.icu.');
    expect(await rider.page.getByRole('button', { name: /^Send/ }).allInnerTexts()).toEqual([
      'Send again',
    ]);
    await expect.poll(() => rider.badge(), patiently).toMatch(/^saved$/);
    await press('New ride');
    await press('Your rides');
    await press(/^Sweet spot, three times/);
    await says('Sent to intervals.icu.');
    expect(await rider.page.getByRole('button', { name: /^Send/ }).allInnerTexts()).toEqual([
      'Send again',
    ]);
    await press('Back');
    const [file] = await Promise.all([
      rider.page.waitForEvent('download'),
      press('Download everything'),
    ]);
    const exported = await (await file.createReadStream()).toArray();
    expect(Buffer.concat(exported).toString()).not.toContain(goodKey);
    expect(outside.requests.filter(({ path }) => path.includes(goodKey))).toEqual([]);
  },
);

test('each ride goes there by itself where the rider wants that, once', async () => {
  const before = outside.activities.length;
  rider = await newRider(browser, server.url, phone);
  await press('Your profile');
  await giveKey(goodKey);
  await rider.page.getByLabel('Send each ride there when it is over').check();
  expect(await barriers(rider.page)).toEqual([]);
  await rider.photograph('intervals-profile-phone-light');
  await press('Back');
  await rider.page.locator('.planned-cards').getByRole('button').first().waitFor();
  expect(await barriers(rider.page)).toEqual([]);
  await rider.photograph('intervals-start-phone-light');
  await press(/Long and easy/);
  await rideAWhile();
  await says('Sent to intervals.icu.');
  expect(await barriers(rider.page)).toEqual([]);
  await rider.photograph('intervals-sent-phone-light');
  const asked = outside.requests.length;
  await rider.page.reload();
  await says('Sent to intervals.icu.');
  expect(outside.requests).toHaveLength(asked);
  await expect.poll(() => rider.badge(), patiently).toMatch(/^saved$/);
  await press('New ride');
  await says('Planned at intervals.icu');
  expect(outside.activities).toHaveLength(before + 1);

  await press('Your profile');
  await press('Forget the key');
  await says('Forgotten.');
  expect(await rider.page.evaluate(() => JSON.stringify(localStorage))).not.toContain(goodKey);
  await press('Back');
  await rider.page.getByRole('button', { name: /^Lunch break/ }).waitFor();
  await rider.page.getByText('Planned at intervals.icu').waitFor({ state: 'hidden' });
});

test('a ride goes there once the service has it, also one that was left without a network', async () => {
  const before = outside.activities.length;
  const offline = (isOffline: boolean) => rider.page.context().setOffline(isOffline);
  rider = await newRider(browser, server.url, laptop);
  await press('Your profile');
  await giveKey(goodKey);
  await rider.page.getByLabel('Send each ride there when it is over').check();
  await press('Back');
  await rider.page.locator('.planned-cards').getByRole('button').first().waitFor();
  await offline(true);
  await press(/Long and easy/);
  await rideAWhile();
  await says('It is sent when the service has all of it.');
  expect(await rider.page.getByRole('button', { name: 'Send to' }).isDisabled()).toBe(true);
  await offline(false);
  await says('Sent to intervals.icu.');
  expect(outside.activities).toHaveLength(before + 1);

  await press('New ride');
  await press(/Long and easy/);
  await offline(true);
  await rideAWhile();
  await says('It is sent when the service has all of it.');
  await press('New ride');
  await rider.page.locator('.confirm').getByRole('button', { name: 'New ride' }).click();
  await says('What do you ride today?');
  await offline(false);
  await expect.poll(() => outside.activities.length, patiently).toBe(before + 2);
  await rider.page.reload();
  await press('Your rides');
  await press(/^Long and easy/);
  await says('Sent to intervals.icu.');
  expect(outside.activities).toHaveLength(before + 2);
});

test('a service without intervals.icu does not speak of it', async () => {
  const without = await startAppServer({ INTERVALS_URL: 'none' });
  rider = await newRider(browser, without.url, laptop);
  const [answer] = await Promise.all([
    rider.page.waitForResponse('**/v1/intervals'),
    press('Your profile'),
  ]);
  expect(answer.status()).toBe(404);
  await says('Your zones');
  expect(await rider.page.getByText('intervals.icu').count()).toBe(0);
  await without.stop();
});
