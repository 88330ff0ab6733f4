import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { barriers } from './accessible.ts';
import { newRider, startAppServer, startBrowser, type AppServer, type Rider } from './live-page.ts';

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
  await server.start();
});

const press = (name: string | RegExp) =>
  rider.page.getByRole('button', { name }).first().click({ timeout: 60_000 });
const expectNoBarriers = async (screen: string) => {
  for (const colorScheme of ['dark', 'light'] as const) {
    await rider.page.emulateMedia({ colorScheme });
    const look = { screen, colorScheme };
    expect({ ...look, barriers: await barriers(rider.page) }).toEqual({ ...look, barriers: [] });
  }
};

describe('WCAG 2.2 AA, by axe', () => {
  test.each([
    { viewport: { width: 1280, height: 800 } },
    { viewport: { width: 360, height: 740 } },
  ] as const)('every screen of a ride keeps to it, dark and light, $viewport', async (look) => {
    rider = await newRider(browser, server.url, look);
    await expectNoBarriers('start');
    await press('Your workouts');
    await rider.page.getByText('Kept on this device.').waitFor();
    await expectNoBarriers('library');
    await press('Sweet spot hour');
    await rider.page.getByRole('cell', { name: '80 rpm' }).waitFor();
    await expectNoBarriers('workout');
    await press('Back');
    await press('Back');
    await press('Your rides');
    await rider.page.getByText('No rides yet.').waitFor();
    await expectNoBarriers('rides');
    await press('Back');
    await press('Sign in');
    await expectNoBarriers('sign in');
    await press('Back');
    await press('Lunch break');
    await rider.page.getByText('Ready when you are.').waitFor();
    await expectNoBarriers('ready');
    await press(/^Start/);
    await expect.poll(() => rider.elapsedS(), patiently).toBeGreaterThanOrEqual(3);
    await expectNoBarriers('ride');
    await press(/^Lap/);
    await press(/^Pause/);
    await expectNoBarriers('paused');
    await press(/^Finish/);
    await expectNoBarriers('finish?');
    await press('Keep riding');
    await server.kill();
    await expect.poll(() => rider.badge(), patiently).toMatch(/^offline/);
    await expectNoBarriers('offline');
    await press(/^Finish/);
    await rider.page.locator('.confirm').getByRole('button', { name: 'Finish' }).click();
    await press('New ride');
    await rider.page.getByText('not saved yet').waitFor();
    await expectNoBarriers('summary');
  });

  test('a barrier is found', async () => {
    rider = await newRider(browser, server.url, { colorScheme: 'dark' });
    await rider.page.evaluate(() => {
      (document.querySelector('h1') as HTMLElement).style.color = '#333';
      document.querySelector('label')?.remove();
    });
    expect(await barriers(rider.page)).toMatchObject([
      expect.stringMatching(/^color-contrast: <h1/),
      expect.stringMatching(/^label: <input type="number"/),
    ]);
  });
});
