import { readFile } from 'node:fs/promises';

import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { startSmtpSink, type SmtpSink } from '../accounts/smtp-sink.ts';
import { barriers } from './accessible.ts';
import { makeAccount, ridersPassword, signIn } from './account-rider.ts';
import { newRider, startAppServer, startBrowser, type AppServer, type Rider } from './live-page.ts';

const laptop = { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' } as const;
const phone = {
  viewport: { width: 390, height: 844 },
  colorScheme: 'light',
  isMobile: true,
  hasTouch: true,
} as const;
const patiently = { timeout: 60_000, interval: 100 };
/** Two devices and a server that comes and goes, on a machine that may be busy. */
const testMaxMs = 600_000;

let server: AppServer;
let browser: Browser;
let mails: SmtpSink;
const riders: Rider[] = [];
beforeAll(async () => {
  mails = await startSmtpSink();
  [server, browser] = await Promise.all([
    startAppServer({ MAIL_URL: mails.url, HASH_COST: '4' }),
    startBrowser(),
  ]);
});
afterAll(async () => {
  await browser.close();
  await server.stop();
  await mails.stop();
});
afterEach(async () => {
  await server.start();
  const problems = riders.flatMap((rider) => rider.problems);
  await Promise.all(riders.splice(0).map((rider) => rider.leave()));
  if (problems.length > 0) throw new Error(problems.join('\n'));
});

async function come(options: Parameters<typeof newRider>[2]): Promise<Rider> {
  const rider = await newRider(browser, server.url, options);
  riders.push(rider);
  return rider;
}

const press = ({ page }: Rider, name: string | RegExp) =>
  page.getByRole('button', { name }).first().click({ timeout: 60_000 });
const card = ({ page }: Rider, name: string) =>
  page.getByRole('button', { name: new RegExp(`^${name}`) });
const says = ({ page }: Rider, text: string | RegExp) =>
  page.getByText(text).first().waitFor({ timeout: 60_000 });
const imports = ({ page }: Rider, name: string, seconds: number) =>
  page.locator('input[type=file]').setInputFiles({
    name: 'own.zwo',
    mimeType: 'text/xml',
    buffer: Buffer.from(
      `<workout_file><name>${name}</name><description>Brought along.</description><workout>` +
        `<Warmup Duration="${seconds}" PowerLow="0.4" PowerHigh="0.75"/>` +
        `<IntervalsT Repeat="4" OnDuration="120" OffDuration="60" OnPower="1.08" OffPower="0.5"/>` +
        `<Cooldown Duration="${seconds}" PowerLow="0.7" PowerHigh="0.4"/></workout></workout_file>`,
    ),
  });
async function everythingOf(rider: Rider) {
  const [file] = await Promise.all([
    rider.page.waitForEvent('download'),
    press(rider, 'Download everything'),
  ]);
  return JSON.parse(await readFile(await file.path(), 'utf8')) as {
    rides: readonly { name: string; summary: object }[];
    workouts: readonly object[];
    account?: { email: string; devices: readonly { isThis: boolean; name: string }[] };
  };
}

test(
  'what is imported stays, is taken into the account, and is the same on every device, also without a network',
  { timeout: testMaxMs },
  async () => {
    await makeAccount(server.url, mails, 'ada@example.com');
    const here = await come(laptop);
    await imports(here, 'Club hills', 300);
    await card(here, 'Club hills').waitFor();
    await here.page.reload();
    await card(here, 'Club hills').waitFor();
    await press(here, 'Your workouts');
    await says(here, 'Kept on this device. Sign in');
    // The same file again is the same workout.
    await imports(here, 'Club hills', 300);
    await says(here, 'That workout is here already.');
    await card(here, 'Club hills').waitFor();
    expect(await card(here, 'Club hills').count()).toBe(1);
    await card(here, 'Lunch break').waitFor();
    await press(here, 'Back');
    await signIn(here, 'ada@example.com');
    await press(here, 'Your workouts');
    await says(here, 'In your account: the same on every device.');
    expect(await barriers(here.page)).toEqual([]);
    await here.photograph('library-laptop-dark');
    // A network that answers in the service's place takes nothing away.
    const place = '**/v1/accounts/me/workouts';
    await press(here, 'Back');
    await here.page.route(place, (route) =>
      route.fulfill({ status: 200, contentType: 'text/html', body: '<h1>Hotel</h1>' }),
    );
    await press(here, 'Your workouts');
    await says(here, 'The service cannot be reached');
    await card(here, 'Club hills').waitFor();
    await here.page.unroute(place);
    await press(here, 'Back');
    await press(here, 'Your rides');
    const data = await everythingOf(here);
    expect(data.workouts).toMatchObject([
      { plan: { name: 'Club hills', segments: { length: 10 } }, keptAtMs: expect.any(Number) },
    ]);
    expect(data.account).toMatchObject({ email: 'ada@example.com', createdAt: expect.any(String) });
    expect(data.account?.devices.filter(({ isThis }) => isThis)).toMatchObject([
      { name: 'Chrome on Linux', lastUsedAt: expect.any(String) },
    ]);
    await press(here, 'Back');
    await press(here, 'Your workouts');
    await says(here, 'In your account: the same on every device.');

    const there = await come(phone);
    await signIn(there, 'ada@example.com');
    await card(there, 'Club hills').waitFor();
    await press(there, 'Your workouts');
    await says(there, 'In your account');
    expect(await barriers(there.page)).toEqual([]);
    await there.photograph('library-phone-light');
    await card(there, 'Club hills').click();
    await there.page.getByRole('cell', { name: '216 W' }).first().waitFor();
    expect(await barriers(there.page)).toEqual([]);
    await there.photograph('library-workout-phone-light');
    const width = await there.page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBe(phone.viewport.width);
    await press(there, 'Rename');
    await there.page.getByLabel('Name of the workout').fill('Thursday hills');
    expect(await barriers(there.page)).toEqual([]);
    await press(there, 'Save');
    await press(there, 'Back');
    await says(there, 'In your account');

    // Nobody can be asked: what the device has is there, is changed, and is told later.
    await press(here, 'Back');
    await press(here, 'Your workouts');
    await card(here, 'Thursday hills').waitFor({ timeout: 60_000 });
    await server.kill();
    await press(here, 'Back');
    await here.page.getByRole('heading', { name: 'What do you ride today?' }).waitFor();
    await card(here, 'Thursday hills').waitFor();
    await imports(here, 'Offline spin', 240);
    await card(here, 'Offline spin').waitFor();
    await press(here, 'Your workouts');
    await says(here, 'The service cannot be reached');
    await card(here, 'Thursday hills').click();
    await press(here, 'Delete');
    await says(here, 'Delete this workout on all your devices?');
    await press(here, 'Delete it');
    await card(here, 'Offline spin').waitFor();
    expect(await card(here, 'Thursday hills').count()).toBe(0);
    await server.start();
    await press(here, 'Back');
    await press(here, 'Your workouts');
    await says(here, 'In your account');
    await press(there, 'Back');
    await card(there, 'Offline spin').waitFor({ timeout: 60_000 });
    expect(await card(there, 'Thursday hills').count()).toBe(0);

    // Who uses the device next sees nothing of hers.
    await press(there, 'Your account');
    await there.page.locator('.ways').getByRole('button', { name: 'Sign out' }).click();
    await there.page.getByRole('heading', { name: 'What do you ride today?' }).waitFor();
    await card(there, 'Lunch break').waitFor();
    await press(there, 'Your workouts');
    await says(there, 'Kept on this device.');
    expect(await card(there, 'Offline spin').count()).toBe(0);
  },
);

test(
  'a ride of one device is listed, reported, named and deleted on another',
  { timeout: testMaxMs },
  async () => {
    await makeAccount(server.url, mails, 'bea@example.com');
    const here = await come(laptop);
    await signIn(here, 'bea@example.com');
    await press(here, 'Your workouts');
    await card(here, 'Sweet spot hour').click();
    await here.page.getByRole('heading', { name: 'Sweet spot hour' }).waitFor();
    await here.photograph('library-workout-laptop-dark');
    await press(here, 'Ride it');
    await here.page.getByRole('button', { name: /^Start/ }).click();
    await expect.poll(() => here.elapsedS(), patiently).toBeGreaterThanOrEqual(5);
    await press(here, /^Lap/);
    const there = await come(phone);
    await signIn(there, 'bea@example.com');
    await press(there, 'Your rides');
    await says(there, /^Under way/);
    expect(await barriers(there.page)).toEqual([]);
    await there.photograph('library-rides-under-way-phone-light');
    await press(there, 'Back');
    await press(here, /^Finish/);
    await here.page.locator('.confirm').getByRole('button', { name: 'Finish' }).click();
    await expect.poll(() => here.badge(), patiently).toMatch(/^saved$/);
    await press(here, 'New ride');

    await press(there, 'Your rides');
    await card(there, 'Sweet spot hour').waitFor({ timeout: 60_000 });
    await says(there, 'From all your devices.');
    await says(there, /on another device$/);
    await there.photograph('library-rides-phone-light');
    await card(there, 'Sweet spot hour').click();
    // The whole report, from the session's log.
    await there.page.locator('.charts canvas').first().waitFor({ timeout: 60_000 });
    await there.page.getByRole('button', { name: 'Download as .fit' }).waitFor();
    expect(await barriers(there.page)).toEqual([]);
    await there.photograph('library-report-phone-light');
    const csv = async (rider: Rider): Promise<string> => {
      const [file] = await Promise.all([
        rider.page.waitForEvent('download'),
        press(rider, 'Download as .csv'),
      ]);
      return readFile(await file.path(), 'utf8');
    };
    await press(there, 'Rename');
    await there.page.getByLabel('Name of the ride').fill('Tuesday with Ann');
    await press(there, 'Save');
    const copied = await csv(there);
    await press(here, 'Your rides');
    await card(here, 'Tuesday with Ann').waitFor({ timeout: 60_000 });
    await card(here, 'Tuesday with Ann').click();
    expect(await csv(here)).toBe(copied);
    await press(here, 'Back');

    await press(there, 'Delete');
    await says(there, 'on this device and in your account?');
    await press(there, 'Delete it');
    await says(there, /^No rides yet/);
    // What was ridden here stays here until it is deleted here.
    await press(here, 'Back');
    await press(here, 'Your rides');
    await says(here, 'From all your devices.');
    await card(here, 'Tuesday with Ann').waitFor();
    const other = await come(phone);
    await signIn(other, 'bea@example.com');
    await press(other, 'Your rides');
    await says(other, /^No rides yet.*From all your devices/);
  },
);

test(
  'of a ride whose course cannot be had the summary is shown, and said to be that',
  { timeout: testMaxMs },
  async () => {
    await makeAccount(server.url, mails, 'cleo@example.com');
    const here = await come(laptop);
    await signIn(here, 'cleo@example.com');
    await press(here, /^Lunch break/);
    await here.page.getByRole('button', { name: /^Start/ }).click();
    await expect.poll(() => here.elapsedS(), patiently).toBeGreaterThanOrEqual(3);
    await press(here, /^Finish/);
    await here.page.locator('.confirm').getByRole('button', { name: 'Finish' }).click();
    await expect.poll(() => here.badge(), patiently).toMatch(/^saved$/);
    const there = await come(phone);
    await signIn(there, 'cleo@example.com');
    await press(there, 'Your rides');
    await card(there, 'Lunch break').waitFor({ timeout: 60_000 });
    await says(there, 'From all your devices.');
    await server.kill();
    await card(there, 'Lunch break').click();
    await says(there, /^This is the summary of the ride\. The rest is in your account/);
    expect(await barriers(there.page)).toEqual([]);
    await there.photograph('library-summary-phone-light');
    await press(there, 'Delete');
    await press(there, 'Delete it');
    await says(there, 'It is still there');
    await press(there, 'Back');
    await says(there, 'The service cannot be reached: these are the rides this device has.');
    const data = await everythingOf(there);
    expect(data.rides).toMatchObject([{ name: 'Lunch break', summary: {} }]);
    expect(data.workouts).toEqual([]);
    expect(data.account).toBeUndefined();
    await says(there, 'Your e-mail address and your devices are missing');
  },
);

/** Fills an account as another device would have. */
async function fillLibrary(email: string, count: number): Promise<void> {
  const send = async (method: string, path: string, body: object, access = '') => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${access}` };
    const response = await fetch(server.url + path, {
      method,
      headers,
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  const login = { email, password: ridersPassword, refresh_in: 'body' };
  const signedIn = await send('POST', '/v1/logins', login);
  const { access_token: access } = (await signedIn.json()) as { access_token: string };
  const segments = [{ kind: 'steady', durationS: 600, fraction: 0.6 }];
  for (let number = 1; number <= count; number += 1) {
    const plan = { name: `Number ${number}`, description: '', segments };
    const id = `workout-${String(number).padStart(16, '0')}`;
    await send('PUT', `/v1/accounts/me/workouts/${id}`, { plan }, access);
  }
}

test(
  'an account that is full or has had many changes says so, and what it does not take stays on the device',
  { timeout: testMaxMs },
  async () => {
    const email = 'dora@example.com';
    await makeAccount(server.url, mails, email);
    await fillLibrary(email, 199);
    const here = await come(laptop);
    for (const seconds of [301, 302, 303, 304]) {
      await imports(here, `Hills ${seconds}`, seconds);
      await card(here, `Hills ${seconds}`).waitFor();
    }
    const asked: string[] = [];
    here.page.on('request', (request) => {
      if (request.method() === 'PUT') asked.push(request.url());
    });
    await signIn(here, email);
    await press(here, 'Your workouts');
    await says(here, 'Your account takes no more: 3 workouts are on this device alone.');
    await card(here, 'Number 199').waitFor();
    expect(await barriers(here.page)).toEqual([]);
    await here.photograph('library-full-laptop-dark');
    // One is taken; of the others, which are as long, one is asked for with each look: so a rate is not used up by looking.
    const looks = 3;
    for (let look = 0; look < looks; look += 1) {
      await press(here, 'Back');
      await press(here, 'Your workouts');
      await says(here, 'Your account takes no more');
    }
    expect(new Set(asked).size).toBe(2);
    expect(asked.length).toBeLessThanOrEqual(2 + 2 * (looks + 1));

    await card(here, 'Number 199').click();
    await press(here, 'Delete');
    await press(here, 'Delete it');
    await says(here, 'Your account takes no more: 2 workouts are on this device alone.');
    const busy = { code: 'too-many-tries', title: 'Too many tries.', status: 429 };
    await here.page.route('**/v1/accounts/me/workouts/*', (route) =>
      route.fulfill({
        status: 429,
        contentType: 'application/problem+json',
        body: JSON.stringify(busy),
      }),
    );
    await press(here, 'Back');
    await press(here, 'Your workouts');
    await says(here, 'Your account takes no more changes just now: the rest follows in a while.');
    await card(here, 'Hills 304').waitFor();
  },
);
