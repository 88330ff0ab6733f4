/** `npm run screenshots`: every screen, on a phone and a laptop, dark and light, and the ride's on a television, into `dist/screenshots/`. */
import { Client } from 'pg';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startSmtpSink, type SmtpSink } from '../accounts/smtp-sink.ts';
import {
  goodKey,
  plannedEvent,
  startIntervalsStandIn,
  type IntervalsStandIn,
} from '../support/intervals-stand-in.ts';
import { freshPostgres } from '../support/services/shared-services.ts';
import { makeAccount, signIn } from './account-rider.ts';
import { bluetoothFlags, emulateBluetooth } from './emulated-bluetooth.ts';
import { EmulatedTrainer } from './emulated-devices.ts';
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

const rideLooks = [
  ...looks,
  { name: 'tv-dark', viewport: { width: 1920, height: 1080 }, colorScheme: 'dark' },
] as const;

/** A quarter of an hour in small steps, on a machine that may be busy. */
const testMaxMs = 600_000;

let server: AppServer;
let browser: Browser;
let mails: SmtpSink;
let postgres: string;
let intervals: IntervalsStandIn;
beforeAll(async () => {
  mails = await startSmtpSink();
  postgres = (await freshPostgres()).url;
  intervals = await startIntervalsStandIn();
  const day = new Date().toLocaleDateString('sv-SE');
  intervals.plan([
    plannedEvent(1, day, 'Over and under', ownWorkout),
    plannedEvent(2, day, 'By feel'),
  ]);
  [server, browser] = await Promise.all([
    startAppServer({
      DATABASE_URL: postgres,
      MAIL_URL: mails.url,
      HASH_COST: '4',
      INTERVALS_URL: intervals.url,
    }),
    startBrowser(),
  ]);
});
afterAll(async () => {
  await browser.close();
  await server.stop();
  await mails.stop();
  await intervals.stop();
});

/** A picture of the screen as it is, which must not be wider than the device. */
async function photograph({ page, photograph }: Rider, name: string): Promise<void> {
  // A phone makes its window as wide as what does not fit: the device's own width counts.
  const widthPx = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(widthPx, name).toBeLessThanOrEqual(page.viewportSize()?.width ?? 0);
  await photograph(name);
}

test.each(rideLooks)(
  'every screen fits, $name',
  { timeout: testMaxMs },
  async ({ name, ...look }) => {
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
    expect(await page.locator('[data-load]').allInnerTexts()).toEqual([
      expect.stringMatching(/^1\d\d\sW$/),
      expect.stringMatching(/^0\.\d\d$/),
      expect.stringMatching(/^\d+$/),
      expect.stringMatching(/^\d\d\skJ$/),
    ]);
    await take('4-ride');
    await press(/^Pause/);
    await press('Second screen');
    await page.getByLabel('Link for a second screen').waitFor();
    await take('5-paused');
    const tab = await rider.openTab();
    await tab.page.getByText('This ride goes on in another tab.').waitFor();
    await tab.page.locator('[data-number="target"]').waitFor();
    await photograph(tab, `${name}-6-second-tab`);
    await tab.page.close();
    const link = await page.getByLabel('Link for a second screen').inputValue();
    await press(/^Resume/);
    await press(/^Lap/);
    await server.kill();
    await untilBadge(/^riding offline/);
    await pass(20);
    await take('7-offline');
    await press(/^Finish/);
    await take('8-finish');
    await press('Keep riding');
    await server.start();
    await untilBadge(/^saved/);
    const watcher = await newRider(browser, link, look);
    await watcher.page.getByRole('heading', { name: 'Lunch break' }).waitFor();
    await watcher.page.getByText('live').waitFor();
    await photograph(watcher, `${name}-9-second-screen`);
    await watcher.leave();
    await press(/^Finish/);
    await page.locator('.confirm').getByRole('button', { name: 'Finish' }).click();
    await page.locator('.timeline').waitFor();
    await page.locator('.charts canvas').first().waitFor();
    await untilBadge(/^saved$/);
    await take('10-report');
    await press('New ride');
    await press('Your rides');
    await page.getByRole('button', { name: /^Lunch break/ }).waitFor();
    await take('11-rides');
    await rider.leave();
    expect(rider.problems).toEqual([]);
  },
);

async function inPostgres(sql: string): Promise<void> {
  const client = new Client({ connectionString: postgres });
  await client.connect();
  await client.query(sql);
  await client.end();
}

const ownWorkout =
  '<workout_file><name>Over and under</name><description>From the club.</description><workout>' +
  '<Warmup Duration="600" PowerLow="0.4" PowerHigh="0.75"/>' +
  '<IntervalsT Repeat="5" OnDuration="240" OffDuration="120" OnPower="1.05" OffPower="0.88" Cadence="90"/>' +
  '<Cooldown Duration="480" PowerLow="0.7" PowerHigh="0.4"/></workout></workout_file>';

test.each(looks)(
  'every screen of an account and its library fits, $name',
  { timeout: testMaxMs },
  async (shape) => {
    const { name, ...look } = shape;
    const email = `ada-${name}@example.com`;
    await makeAccount(server.url, mails, email);
    const rider = await newRider(browser, server.url, look);
    const { page } = rider;
    const take = (screen: string) => photograph(rider, `${name}-${screen}`);
    const press = (button: string | RegExp) =>
      page.getByRole('button', { name: button }).first().click();
    await press('Sign in');
    await take('12-sign-in');
    await press('Make an account');
    await take('13-make-an-account');
    await press('Sign in instead');
    await press('Forgot your password?');
    await take('14-another-password');
    await page.goto(`${server.url}/#password=${'x'.repeat(43)}`);
    await page.getByRole('heading', { name: 'Choose a password' }).waitFor();
    await take('15-choose-a-password');
    await press('Not now');
    await signIn(rider, email);
    await page
      .locator('input[type=file]')
      .setInputFiles({ name: 'own.zwo', mimeType: 'text/xml', buffer: Buffer.from(ownWorkout) });
    await page.getByRole('button', { name: /^Over and under/ }).waitFor();
    await press('Your workouts');
    await page.getByText('In your account').waitFor();
    await take('16-library');
    await press(/^Over and under/);
    await page.getByRole('button', { name: 'Ride it' }).waitFor();
    await take('17-workout');
    await press('Rename');
    await take('18-rename');
    await press('Cancel');
    await press('Ride it');
    await press(/^Start/);
    await expect.poll(() => rider.elapsedS(), patiently).toBeGreaterThanOrEqual(4);
    const other = await newRider(browser, server.url, look);
    await signIn(other, email);
    await other.page.getByRole('button', { name: 'Your account' }).click();
    await other.page.getByText(/^Begun /).waitFor();
    await photograph(other, `${name}-19-account`);
    await other.page.getByRole('button', { name: 'Back' }).click();
    await press(/^Finish/);
    await page.locator('.confirm').getByRole('button', { name: 'Finish' }).click();
    await expect.poll(() => rider.badge(), patiently).toMatch(/^saved$/);
    await other.page.getByRole('button', { name: 'Your rides' }).click();
    await other.page.getByText('From all your devices.').waitFor({ timeout: 60_000 });
    await photograph(other, `${name}-20-rides-of-all-devices`);
    await inPostgres(`update trackstand.accounts set is_operator = true where email = '${email}'`);
    await other.page.goto(`${server.url}/#operator`);
    await other.page.getByText(/^1 instance/).waitFor();
    await photograph(other, `${name}-21-service`);
    await other.leave();
    await rider.leave();
    expect([...rider.problems, ...other.problems]).toEqual([]);
  },
);

test.each(looks)('every screen of intervals.icu fits, $name', async (shape) => {
  const { name, ...look } = shape;
  const rider = await newRider(browser, server.url, look);
  const { page } = rider;
  const press = (button: string | RegExp) =>
    page.getByRole('button', { name: button }).first().click();
  await press('Your profile');
  await page.getByLabel('Your API key').fill('a-key-that-nobody-has');
  await press('Check it and keep it');
  await page.getByText('intervals.icu does not take that key.').waitFor();
  await photograph(rider, `${name}-25-key`);
  await page.getByLabel('Your API key').fill(goodKey);
  await press('Check it and keep it');
  await page.getByText('Connected as Ada.').waitFor();
  await page.getByLabel('Send each ride there when it is over').check();
  await photograph(rider, `${name}-26-key-kept`);
  await press('Back');
  await page.locator('.planned-cards').getByText('Over and under').waitFor();
  await photograph(rider, `${name}-27-planned`);
  await press('Your workouts');
  await page.locator('.planned-cards').getByText('Over and under').waitFor();
  await photograph(rider, `${name}-28-library-and-planned`);
  await press(/Over and under/);
  await press('Keep it');
  await page.getByText('among your workouts now').waitFor();
  await photograph(rider, `${name}-29-planned-workout`);
  await press('Ride it');
  await press(/^Start/);
  await expect.poll(() => rider.elapsedS(), patiently).toBeGreaterThanOrEqual(4);
  await press(/^Finish/);
  await page.locator('.confirm').getByRole('button', { name: 'Finish' }).click();
  await page.getByText('Sent to intervals.icu.').waitFor();
  await photograph(rider, `${name}-30-sent`);
  await rider.leave();
  expect(rider.problems).toEqual([]);
});

test.each(looks)('every screen of a trainer over Bluetooth fits, $name', async (shape) => {
  const { name, ...look } = shape;
  const own = await startBrowser(bluetoothFlags);
  const bluetooth = await emulateBluetooth(own);
  const trainer = new EmulatedTrainer();
  await bluetooth.install(trainer);
  trainer.pedal();
  const rider = await newRider(own, server.url, look, bluetooth.prepare);
  const { page } = rider;
  const press = (button: string | RegExp) =>
    page.getByRole('button', { name: button }).first().click();
  await press('Sweet spot hour');
  await page.getByText('A simulated trainer rides. Connect yours').waitFor();
  await photograph(rider, `${name}-22-devices`);
  bluetooth.pick(trainer.address);
  await press('Connect a trainer');
  await page.getByText('EMULATED TRAINER', { exact: true }).waitFor();
  await photograph(rider, `${name}-23-connected`);
  await press(/^Start/);
  await expect.poll(() => rider.elapsedS(), patiently).toBeGreaterThanOrEqual(3);
  trainer.isReachable = false;
  await trainer.drop();
  await page.getByText('The trainer is out of reach. The clock waits for it.').waitFor();
  await photograph(rider, `${name}-24-trainer-lost`);
  trainer.rest();
  await rider.leave();
  await bluetooth.close();
  await own.close();
  expect(rider.problems).toEqual([]);
});

test.each(rideLooks)('every screen of a free ride fits, $name', async ({ name, ...look }) => {
  const rider = await newRider(browser, server.url, look, async (page) => {
    await page.route('**/ticker-worker.js', (route) => route.abort());
    await page.clock.install();
  });
  const { page } = rider;
  const press = (button: string | RegExp) =>
    page.getByRole('button', { name: button }).first().click();
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second += 1) await page.clock.runFor(1_000);
  };
  await press(/^Free ride/);
  await page.getByText('Ready when you are.').waitFor();
  await photograph(rider, `${name}-25-free-ready`);
  await press(/^Start/);
  await pass(60);
  for (let step = 0; step < 9; step += 1) await press('More brake');
  await pass(180);
  await photograph(rider, `${name}-26-free-grade`);
  await press(/^By resistance/);
  await pass(90);
  await photograph(rider, `${name}-27-free-resistance`);
  await press(/^Finish/);
  await page.locator('.confirm').getByRole('button', { name: 'Finish' }).click();
  await page.locator('.charts canvas').first().waitFor();
  await photograph(rider, `${name}-28-free-report`);
  await rider.leave();
  expect(rider.problems).toEqual([]);
});
