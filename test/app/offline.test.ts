import { cp, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { FastifyInstance } from 'fastify';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { buildApp } from '../../server/app/build-app.ts';
import { readConfig } from '../../server/config.ts';
import { makePrivateFolder, type PrivateFolder } from '../support/services/private-folder.ts';
import { builtFile, freshPostgres, freshRedis } from '../support/services/shared-services.ts';
import { newRider, savedSeconds, startBrowser, type Rider } from './live-page.ts';

const desktop = { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' } as const;
const patiently = { timeout: 60_000, interval: 100 };

let browser: Browser;
let folder: PrivateFolder;
let page: string;
let app: FastifyInstance;
let url: string;
let stores: string;
let rider: Rider;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());
beforeEach(async () => {
  folder = await makePrivateFolder('offline');
  page = join(folder.path, 'page');
  const dist = dirname(await builtFile('app'));
  await cp(join(dist, 'app'), page, { recursive: true });
  const [postgres, redis] = await Promise.all([freshPostgres(), freshRedis()]);
  stores = postgres.url;
  const config = readConfig({
    PORT: '0',
    DATABASE_URL: postgres.url,
    REDIS_URL: redis.url,
    TRACKSTAND_SECRET: 'a secret of thirty-two characters or more',
    CHECKPOINT_MS: '500',
    LOG_LEVEL: 'silent',
  });
  app = await buildApp(config, { page });
  url = await app.listen({ host: '127.0.0.1', port: 0 });
  rider = await newRider(browser, url, desktop);
  await untilKept(rider.page);
});
afterEach(async () => {
  await rider.leave();
  await app.close();
  await folder.remove();
  if (rider.problems.length > 0) throw new Error(rider.problems.join('\n'));
});

/** Until the browser has all files of the page and answers from them. */
async function untilKept(of: Page): Promise<void> {
  await of.waitForFunction(() => navigator.serviceWorker.controller !== null);
}
const untilElapsed = (seconds: number) =>
  expect.poll(() => rider.elapsedS(), patiently).toBeGreaterThanOrEqual(seconds);
async function startRiding(workout: string): Promise<void> {
  await rider.page.getByRole('button', { name: workout }).click();
  await rider.page.getByRole('button', { name: /^Start/ }).waitFor();
  await rider.page.keyboard.press('Space');
  await untilElapsed(3);
}
async function finish(): Promise<void> {
  await rider.page.getByRole('button', { name: 'Finish' }).click();
  await rider.page.locator('.confirm').getByRole('button', { name: 'Finish' }).click();
}

/** Another page under the same address, as a deploy brings it. */
async function release(title: string): Promise<void> {
  const [html, files] = [join(page, 'index.html'), join(page, 'offline-files.js')];
  await writeFile(html, (await readFile(html, 'utf8')).replace(/<title>.*</, `<title>${title}<`));
  const names = await readFile(files, 'utf8');
  await writeFile(files, names.replace(/"release":"[^"]*"/, `"release":"${title}"`));
}
const keptReleases = () => rider.page.evaluate(() => caches.keys());

test('without a network a page loaded again is back in its ride, goes on, and delivers later', async () => {
  await startRiding('Long endurance');
  await rider.page.context().setOffline(true);
  await rider.page.reload();
  await rider.page.getByRole('heading', { name: 'Long endurance' }).waitFor();
  await expect.poll(() => rider.badge(), patiently).toMatch(/^riding offline\s+\d+ sec/);
  const offlineS = await rider.elapsedS();
  await untilElapsed(offlineS + 3);
  await rider.photograph('desktop-dark-offline-reload');
  await rider.page.context().setOffline(false);
  await expect.poll(() => rider.badge(), patiently).toMatch(/^saved/);
  await finish();
  await expect.poll(() => rider.badge(), patiently).toMatch(/^saved$/);
  expect(await rider.keptSampleCount()).toBeGreaterThanOrEqual(offlineS + 2);
});

test('without a network a ride begins, goes on in a page loaded again, and is delivered when it is back', async () => {
  await rider.page.context().setOffline(true);
  await rider.page.reload();
  await startRiding('Lunch break');
  await expect.poll(() => rider.badge(), patiently).toMatch(/^riding offline\s+\d+ seconds to/);
  await rider.photograph('desktop-dark-begun-offline');
  const begunS = await rider.elapsedS();
  await rider.page.reload();
  await rider.page.getByRole('heading', { name: 'Lunch break' }).waitFor();
  await untilElapsed(begunS + 3);
  await expect.poll(() => rider.badge(), patiently).toMatch(/^riding offline\s+\d+ seconds to/);
  await rider.page.context().setOffline(false);
  await expect.poll(() => rider.badge(), patiently).toMatch(/^saved/);
  await finish();
  await expect.poll(() => rider.badge(), patiently).toMatch(/^saved$/);
  const seconds = await savedSeconds(stores);
  expect(seconds).toHaveLength(await rider.keptSampleCount());
  expect(seconds.length).toBeGreaterThanOrEqual(begunS + 2);
  expect(seconds).toEqual(seconds.toSorted((a, b) => a - b));
});

test('a new release is taken at the choice of workouts, and never under a ride', async () => {
  await startRiding('Lunch break');
  const [former] = await keptReleases();
  await release('Second');
  await rider.page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    await registration.update();
  });
  await rider.page.waitForFunction(
    async () => (await navigator.serviceWorker.ready).waiting !== null,
  );
  const before = await rider.elapsedS();
  await untilElapsed(before + 2);
  expect(await rider.page.title()).toBe('Trackstand');
  await rider.page.reload();
  await rider.page.getByRole('heading', { name: 'Lunch break' }).waitFor();
  expect(await rider.page.title()).toBe('Trackstand');
  await finish();
  await expect.poll(() => rider.badge(), patiently).toMatch(/^saved$/);
  await rider.page.getByRole('button', { name: 'New ride' }).click();
  await rider.page.waitForFunction(() => document.title === 'Second');
  await rider.page.getByRole('button', { name: 'Lunch break' }).waitFor();
  expect(await keptReleases()).toEqual(['trackstand-page-Second']);
  expect(former).not.toBe('trackstand-page-Second');
});

test('it can be installed: the browser finds nothing wrong with its manifest', async () => {
  const cdp = await rider.page.context().newCDPSession(rider.page);
  const manifest = await cdp.send('Page.getAppManifest');
  expect(manifest.errors).toEqual([]);
  expect(JSON.parse(manifest.data ?? '')).toMatchObject({
    name: 'Trackstand',
    display: 'standalone',
  });
  // A private window installs nothing, and these tests ride in one.
  const { installabilityErrors } = await cdp.send('Page.getInstallabilityErrors');
  expect(installabilityErrors.map(({ errorId }) => errorId)).toEqual(['in-incognito']);
});
