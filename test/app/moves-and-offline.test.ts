import type { Browser, Page, WebSocket } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startRouter } from '../support/tcp-router.ts';
import { bluetoothFlags, emulateBluetooth } from './emulated-bluetooth.ts';
import { EmulatedTrainer } from './emulated-devices.ts';
import { newRider, startAppServer, startBrowser, type AppServer, type Rider } from './live-page.ts';

const desktop = { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' } as const;
const patiently = { timeout: 60_000, interval: 100 };
/** The page's clock goes on by hand, and no faster than the world: what it waits for comes over a real network. */
const inStep = { timeout: 120_000, interval: 1_000 };

let server: AppServer;
let browser: Browser;
beforeAll(async () => {
  [server, browser] = await Promise.all([
    // Behind a proxy whose address nobody knows beforehand. The grace is what a busy machine may need; nobody waits for its end.
    startAppServer({ PUBLIC_URL: '', DRAIN_GRACE_MS: '60000' }),
    startBrowser(bluetoothFlags),
  ]);
});
afterAll(async () => {
  await browser.close();
  await server.stop();
});

const untilElapsed = (rider: Rider, seconds: number) =>
  expect.poll(() => rider.elapsedS(), patiently).toBeGreaterThanOrEqual(seconds);

async function finish({ page }: Rider): Promise<void> {
  await page.getByRole('button', { name: 'Finish' }).click();
  await page.locator('.confirm').getByRole('button', { name: 'Finish' }).click();
}

/** Everything the badge has said since, however shortly. */
async function badgeFromNow(page: Page): Promise<() => Promise<readonly string[]>> {
  const said = await page.evaluateHandle(() => {
    const badge = document.querySelector('.badge') as HTMLElement;
    const texts = [badge.innerText];
    new MutationObserver(() => texts.push(badge.innerText)).observe(badge, {
      childList: true,
      characterData: true,
      subtree: true,
    });
    return texts;
  });
  return () => said.jsonValue();
}

describe('a deploy in mid-interval', () => {
  test('moves the page to the next server before the old one leaves: no break, and the trainer hears of nothing', async () => {
    const router = await startRouter(server.url);
    const bluetooth = await emulateBluetooth(browser);
    const trainer = new EmulatedTrainer();
    await bluetooth.install(trainer);
    trainer.pedal();
    const rider = await newRider(browser, router.url, desktop, bluetooth.prepare);
    await rider.page.getByRole('button', { name: 'Sweet spot hour' }).click();
    bluetooth.pick(trainer.address);
    await rider.page.getByRole('button', { name: 'Connect a trainer' }).click();
    await rider.page.getByText('EMULATED TRAINER', { exact: true }).waitFor();
    await rider.page.keyboard.press('Space');
    await untilElapsed(rider, 2);
    await rider.page.keyboard.press('ArrowRight');
    await expect.poll(() => trainer.targetW, patiently).toBe(110);
    const told = trainer.writes.length;
    const said = await badgeFromNow(rider.page);
    const next = await server.startBeside();
    router.route(next);
    await server.drain();
    await rider.page.getByText('moved to another server, nothing lost').waitFor();
    const movedS = await rider.elapsedS();
    await untilElapsed(rider, movedS + 3);
    expect(
      (await said()).filter((text) => /reconnecting|offline|not connected/.test(text)),
    ).toEqual([]);
    expect(trainer.powersSince(told).filter((powerW) => powerW !== 110)).toEqual([]);
    expect(trainer.writes.slice(told).every(({ hex }) => hex.startsWith('05'))).toBe(true);
    await finish(rider);
    await rider.page.getByText(/^Moved to another server without a break, nothing lost$/).waitFor();
    await expect.poll(() => rider.badge(), patiently).toMatch(/^saved$/);
    const saved = await server.savedSeconds();
    expect(saved).toHaveLength(await rider.keptSampleCount());
    trainer.rest();
    await rider.leave();
    await bluetooth.close();
    await router.stop();
    await server.start();
    expect(rider.problems).toEqual([]);
  });
});

describe('a device that wakes up', () => {
  /** The page's own timers stand still: what the link does is done because of the signal. */
  test.each([
    { signal: 'a network that is back', give: goOnline },
    { signal: 'a page that is restored', give: restore },
    { signal: 'a page that is seen again', give: showAgain },
  ])('$signal makes it try at once, and ask a link it has for a sign of life', async ({ give }) => {
    const sockets = new Set<WebSocket>();
    const asked: string[] = [];
    const rider = await newRider(browser, server.url, desktop, async (page) => {
      page.on('websocket', (socket) => {
        sockets.add(socket);
        socket.on('framesent', ({ payload }) => asked.push(payload.toString()));
        socket.on('close', () => sockets.delete(socket));
      });
      await page.route('**/ticker-worker.js', (route) => route.abort());
      await page.clock.install({ time: new Date('2026-05-01T08:00:00Z') });
      await page.clock.pauseAt(new Date('2026-05-01T09:00:00Z'));
    });
    const { page } = rider;
    const pings = () => asked.filter((text) => text.includes('"ping"')).length;
    await page.getByRole('button', { name: 'Long endurance' }).click();
    await page.getByRole('button', { name: /^Start/ }).waitFor();
    await page.keyboard.press('Space');
    await expect
      .poll(async () => {
        await page.clock.runFor(1_000);
        return rider.badge();
      }, inStep)
      .toMatch(/^saved/);
    const before = pings();
    await give(page);
    await expect.poll(pings, patiently).toBeGreaterThan(before);
    await server.kill();
    await expect.poll(() => sockets.size, patiently).toBe(0);
    await server.start();
    await give(page);
    await expect.poll(() => sockets.size, patiently).toBe(1);
    await rider.leave();
    expect(rider.problems).toEqual([]);
  });
});

async function goOnline(page: Page): Promise<void> {
  await page.context().setOffline(true);
  await page.context().setOffline(false);
}

function restore(page: Page): Promise<void> {
  return page.evaluate(() => void window.dispatchEvent(new PageTransitionEvent('pageshow')));
}

function showAgain(page: Page): Promise<void> {
  return page.evaluate(() => void document.dispatchEvent(new Event('visibilitychange')));
}

describe('five minutes without a network', () => {
  test('are ridden on, told in the badge, and delivered whole', async () => {
    const rider = await newRider(browser, server.url, desktop, async (page) => {
      // The page's own timer beats instead, and its time is in the test's hands.
      await page.route('**/ticker-worker.js', (route) => route.abort());
      await page.clock.install({ time: new Date('2026-05-01T08:00:00Z') });
      // Else it goes on by itself besides, by as much as a busy machine takes.
      await page.clock.pauseAt(new Date('2026-05-01T09:00:00Z'));
    });
    const { page } = rider;
    const pass = async (seconds: number): Promise<void> => {
      for (let second = 0; second < seconds; second += 1) await page.clock.runFor(1_000);
    };
    await page.getByRole('button', { name: 'Long endurance' }).click();
    await page.getByRole('button', { name: /^Start/ }).waitFor();
    await page.keyboard.press('Space');
    await pass(5);
    await page.context().setOffline(true);
    await pass(300);
    expect(await rider.badge()).toMatch(/^riding offline\s+(29|30)\d seconds to deliver$/);
    expect(await rider.elapsedS()).toBeGreaterThanOrEqual(303);
    expect(await rider.number('power')).toMatch(/^\d+$/);
    await page.context().setOffline(false);
    await expect
      .poll(async () => {
        await pass(1);
        return rider.badge();
      }, inStep)
      .toMatch(/^saved/);
    await finish(rider);
    await page.getByText(/^Connection lost, back after 5 min.*, nothing lost$/).waitFor();
    await expect
      .poll(async () => {
        await pass(1);
        return rider.badge();
      }, inStep)
      .toMatch(/^saved$/);
    const saved = await server.savedSeconds();
    expect(saved).toHaveLength(await rider.keptSampleCount());
    expect(saved).toEqual(saved.map((_, index) => index));
    expect(saved.length).toBeGreaterThanOrEqual(303);
    await rider.leave();
    expect(rider.problems).toEqual([]);
  });
});
