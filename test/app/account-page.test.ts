import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { startSmtpSink, type SmtpSink } from '../accounts/smtp-sink.ts';
import { barriers } from './accessible.ts';
import { newRider, startAppServer, startBrowser, type AppServer, type Rider } from './live-page.ts';

const desktop = { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' } as const;
const patiently = { timeout: 60_000, interval: 100 };
const light = { ...desktop, colorScheme: 'light' } as const;
const phone = {
  viewport: { width: 360, height: 740 },
  colorScheme: 'dark',
  isMobile: true,
  hasTouch: true,
} as const;

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
  page.getByRole('button', { name, exact: typeof name === 'string' }).click();
const fill = ({ page }: Rider, label: string, text: string) =>
  page.getByLabel(label, { exact: true }).fill(text);
const title = ({ page }: Rider, text: string) =>
  page.getByRole('heading', { level: 1, name: text }).waitFor();

/** Registers in the page, follows the link of the mail, and chooses a password. */
async function register(rider: Rider, email: string): Promise<void> {
  await press(rider, 'Sign in');
  await press(rider, 'Make an account');
  await fill(rider, 'E-mail address', email);
  await press(rider, 'Send me the link');
  const { text } = await mails.next();
  const [link = ''] = /http:\S+#password=\S+/.exec(text) ?? [];
  await rider.page.goto(link);
  await title(rider, 'Choose a password');
  expect(rider.page.url()).not.toContain('password=');
  await fill(rider, 'New password', 'password123456');
  await press(rider, 'Take this one');
  await rider.page.getByText('among the first that are tried').waitFor();
  const field = rider.page.getByLabel('New password', { exact: true });
  expect(await field.getAttribute('type')).toBe('password');
  await rider.page.getByLabel('Show what I type').check();
  expect(await field.getAttribute('type')).toBe('text');
  await rider.photograph('account-password');
  await rider.page.getByLabel('Show what I type').uncheck();
  expect(await field.getAttribute('type')).toBe('password');
  await fill(rider, 'New password', 'mistral over ventoux');
  await press(rider, 'Take this one');
  await title(rider, email);
}

async function signIn(rider: Rider, email: string, password: string): Promise<void> {
  await press(rider, 'Sign in');
  await fill(rider, 'E-mail address', email);
  await fill(rider, 'Password', password);
  await press(rider, 'Sign in');
}

test('an account is made by mail, and a ride begun with it is taken up on another device', async () => {
  const rider = await come(desktop);
  await rider.photograph('account-start');
  await register(rider, 'ada@example.com');
  await rider.photograph('account');
  await press(rider, 'Back');
  await press(rider, /Lunch break/);
  await rider.page.getByRole('button', { name: /^Start/ }).click();
  await expect.poll(() => rider.elapsedS()).toBeGreaterThanOrEqual(3);

  const other = await come(phone);
  await press(other, 'Sign in');
  await other.photograph('account-sign-in-phone');
  await fill(other, 'E-mail address', 'ada@example.com');
  await fill(other, 'Password', 'wrong by far');
  await press(other, 'Sign in');
  await other.page.getByText('The e-mail address or the password is wrong.').waitFor();
  await fill(other, 'Password', 'mistral over ventoux');
  await press(other, 'Sign in');
  await title(other, 'ada@example.com');
  await other.photograph('account-phone');
  await press(other, 'Open here');
  await expect.poll(() => other.elapsedS()).toBeGreaterThanOrEqual(3);
  // It looks on, until its rider says otherwise; then the first one does.
  const elsewhere = 'This ride is ridden on another device.';
  await other.page.getByText(elsewhere).waitFor();
  expect(await other.page.getByRole('button', { name: /^Skip/ }).isDisabled()).toBe(true);
  await expect.poll(() => other.number('power')).toMatch(/^\d+$/);
  await other.photograph('phone-dark-elsewhere');
  expect(await rider.page.getByText(elsewhere).isVisible()).toBe(false);
  await press(other, 'Ride here instead');
  await rider.page.getByText(elsewhere).waitFor();
  const takenS = await other.elapsedS();
  await expect.poll(() => rider.elapsedS()).toBeGreaterThan(takenS + 3);
  await press(other, /^Pause/);
  await rider.page.getByText('Paused.').waitFor();
  await press(rider, 'Ride here instead');
  await other.page.getByText(elsewhere).waitFor();
  await press(rider, /^Resume/);
  await press(rider, /^Finish/);
  await rider.page.locator('.confirm').getByRole('button', { name: 'Finish' }).click();
  await other.page.getByRole('heading', { name: 'Well ridden' }).waitFor();
});

test('a ride begun without an account becomes the account’s, and goes on', async () => {
  const rider = await come(light);
  await press(rider, /Lunch break/);
  await rider.page.getByRole('button', { name: /^Start/ }).click();
  await expect.poll(() => rider.elapsedS()).toBeGreaterThanOrEqual(3);
  const elapsedS = await rider.elapsedS();
  await rider.page.goto(`${server.url}/#account`);
  await rider.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await press(rider, 'Make an account');
  await fill(rider, 'E-mail address', 'bob@example.com');
  await press(rider, 'Send me the link');
  await rider.page.getByText('A mail is on its way').waitFor();
  const { text } = await mails.next();
  await rider.page.goto(/http:\S+#password=\S+/.exec(text)?.[0] ?? '');
  await fill(rider, 'New password', 'tailwind to the sea');
  await press(rider, 'Take this one');
  await title(rider, 'bob@example.com');
  await rider.page.getByText(/^Begun /).waitFor();
  await rider.photograph('account-light');
  await press(rider, 'Back');
  await expect.poll(() => rider.elapsedS()).toBeGreaterThan(elapsedS);
});

test('a page that is loaded again is still signed in, signing out ends that, and the account can be deleted', async () => {
  const rider = await come(desktop);
  await register(rider, 'cleo@example.com');
  await rider.page.reload();
  await press(rider, 'Your account');
  await title(rider, 'cleo@example.com');
  await press(rider, 'Sign out');
  await title(rider, 'What do you ride today?');
  await signIn(rider, 'cleo@example.com', 'mistral over ventoux');
  await title(rider, 'cleo@example.com');
  await rider.page.getByText('Delete the account').click();
  await fill(rider, 'Your password', 'mistral over ventoux');
  await press(rider, 'Delete everything');
  await title(rider, 'What do you ride today?');
  await signIn(rider, 'cleo@example.com', 'mistral over ventoux');
  await rider.page.getByText('The e-mail address or the password is wrong.').waitFor();
});

test('who was signed out by another device rides all the same, as one without an account', async () => {
  const rider = await come(desktop);
  await register(rider, 'eve@example.com');
  await press(rider, 'Back');
  const other = await come(desktop);
  await signIn(other, 'eve@example.com', 'mistral over ventoux');
  await title(other, 'eve@example.com');
  await press(other, 'Sign out everywhere');
  await other.page.getByRole('button', { name: 'Sign in' }).waitFor();
  await press(rider, /Lunch break/);
  await rider.page.getByRole('button', { name: /^Start/ }).click();
  await expect.poll(() => rider.elapsedS()).toBeGreaterThanOrEqual(1);
});

test('over a ride that is not delivered nobody signs out and nothing is deleted; once it is, one can', async () => {
  const rider = await come(desktop);
  const { page } = rider;
  await register(rider, 'fay@example.com');
  await press(rider, 'Back');
  await page.route('**/v1/sessions', (route) => route.abort());
  await press(rider, /Lunch break/);
  await page.getByRole('button', { name: /^Start/ }).click();
  await expect.poll(() => rider.badge(), patiently).toMatch(/^riding offline/);
  await page.goto(`${server.url}/#account`);
  await title(rider, 'fay@example.com');
  const toldNow = page.getByRole('status').filter({ hasText: 'not in your account yet' });
  await press(rider, 'Sign out');
  await toldNow.waitFor();
  expect(await barriers(page)).toEqual([]);
  await rider.photograph('account-undelivered');
  await page.reload();
  await page.goto(`${server.url}/#account`);
  await press(rider, 'Sign out everywhere');
  await toldNow.waitFor();
  await page.getByText('Delete the account').click();
  await fill(rider, 'Your password', 'mistral over ventoux');
  await press(rider, 'Delete everything');
  await expect.poll(() => toldNow.count()).toBe(2);

  await page.unroute('**/v1/sessions');
  await press(rider, 'Back');
  await expect.poll(() => rider.badge(), patiently).toMatch(/^saved/);
  await press(rider, /^Finish/);
  await page.locator('.confirm').getByRole('button', { name: 'Finish' }).click();
  await expect.poll(() => rider.badge(), patiently).toMatch(/^saved$/);
  await press(rider, 'New ride');
  await press(rider, 'Your account');
  await page.getByText(/^Begun /).waitFor();
  await press(rider, 'Sign out');
  await title(rider, 'What do you ride today?');
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
});

test('a service that is away is said to be, on the account’s page, and is asked again', async () => {
  const rider = await come(phone);
  await register(rider, 'gil@example.com');
  await press(rider, 'Back');
  await title(rider, 'What do you ride today?');
  await server.kill();
  try {
    await press(rider, 'Your account');
    await rider.page.getByText('The service cannot be reached.').waitFor();
    expect(await barriers(rider.page)).toEqual([]);
    await rider.photograph('account-away-phone');
  } finally {
    await server.start();
  }
  await press(rider, 'Try again');
  await title(rider, 'gil@example.com');
});

test('a network that swallows every answer is given up on, and what waits goes on when it is back', async () => {
  // Routes of the test see what the page asks for, not always what a worker lets through.
  const rider = await come({ ...desktop, serviceWorkers: 'block' });
  const { page } = rider;
  // The browser’s own time for requests, a hundred times as fast.
  await page.addInitScript(() => {
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    AbortSignal.timeout = (ms) => timeout(ms / 100);
  });
  await page.reload();
  const swallowed = /\/v1\/(logins|sessions)$/;
  await page.route(swallowed, () => {});
  await signIn(rider, 'hal@example.com', 'mistral over ventoux');
  await page.getByText('The service cannot be reached.').waitFor();
  await press(rider, 'Back');
  await press(rider, /Lunch break/);
  await page.getByRole('button', { name: /^Start/ }).click({ timeout: 60_000 });
  await expect.poll(() => rider.badge(), patiently).toMatch(/^riding offline/);
  await page.unroute(swallowed);
  await expect.poll(() => rider.badge(), patiently).toMatch(/^saved/);
});
