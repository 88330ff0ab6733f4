import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startAppServer, startBrowser, type AppServer } from './live-page.ts';

let server: AppServer;
let browser: Browser;
beforeAll(async () => {
  [server, browser] = await Promise.all([startAppServer(), startBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await server.kill();
  await server.stop();
});

test('the page comes with a policy under which only its own files run', async () => {
  const { headers } = await fetch(server.url);
  const policy = headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
  expect(policy).toContain(`connect-src 'self' ws://${new URL(server.url).host}`);
  expect(policy).not.toMatch(/unsafe|\*|http:|https:|data:/);
  expect(Object.fromEntries(headers)).toMatchObject({
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
  });
  expect(headers.has('strict-transport-security')).toBe(false);
});

test('beside the page, the protocol still answers what nothing stands at below its prefix', async () => {
  for (const path of ['/v1/nothing', '/v1/sessions', `/v1/sessions/${'x'.repeat(300)}/clients/x`]) {
    const response = await fetch(new URL(path, server.url));
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  }
  const file = await fetch(new URL('/nothing.js', server.url));
  expect([file.status, await file.text()]).toEqual([404, 'There is nothing here.']);
});

test.each([
  '/server/main.js',
  '/../server/main.js',
  '/%2e%2e/server/main.js',
  '/..%2fserver%2fmain.js',
  '/..%5cserver%5cmain.js',
  '/assets/../../server/main.js',
  '//etc/passwd',
  '/%00',
])('no path leads out of the folder of the page: %s', async (path) => {
  // Clients that are kind take such a path apart before it is sent.
  const { hostname, port } = new URL(server.url);
  const sent = request({ hostname, port, path });
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  answer.resume();
  expect([400, 403, 404]).toContain(answer.statusCode);
});

test('a ride begins under that policy without a word in the console, and what is smuggled in does not run', async () => {
  const page = await browser.newPage();
  const words: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) words.push(message.text());
  });
  page.on('pageerror', ({ message }) => words.push(message));
  await page.goto(server.url);
  await page.getByRole('button', { name: 'Lunch break' }).click();
  await page.getByRole('button', { name: /^Start/ }).click();
  await expect
    .poll(() => page.locator('.badge').innerText(), { timeout: 60_000 })
    .toMatch(/^saved/);
  expect(words).toEqual([]);
  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'globalThis.wasSmuggledIn = true';
    document.head.append(script);
  });
  expect(await page.evaluate(() => 'wasSmuggledIn' in globalThis)).toBe(false);
  expect(words.join('\n')).toMatch(/Content Security Policy/i);
  await page.close();
});
