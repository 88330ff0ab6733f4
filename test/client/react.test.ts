import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Browser, Page } from 'playwright-core';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startBrowser } from '../app/live-page.ts';

let browser: Browser;
let page: Page;
beforeAll(async () => {
  const bundle = await rolldown({
    input: join(fileURLToPath(new URL('.', import.meta.url)), 'react-page.ts'),
    platform: 'browser',
    transform: { define: { 'process.env.NODE_ENV': '"development"' } },
  });
  const { output } = await bundle.generate({ format: 'esm' });
  browser = await startBrowser();
  page = await browser.newPage();
  await page.setContent('<div id="root"></div>');
  await page.addScriptTag({ type: 'module', content: output[0].code });
  await page.getByText('total 0').waitFor();
});
afterAll(() => browser.close());

const shown = () => page.locator('#root').innerText();

test('a component shows the view at once, and what it looks at as it changes', async () => {
  await page.evaluate(() => globalThis.tally.send('add', { amount: 5 }));
  await page.getByText('total 5').waitFor();
  expect(await shown()).toMatch(/total 5, 1 not saved/);
});

test('what it does not look at renders nothing, and a part made anew each time ends', async () => {
  const rendered = () => page.evaluate(() => globalThis.rendered);
  const before = await rendered();
  await page.evaluate(() => globalThis.tally.send('add', { amount: 0 }));
  await page.getByText('2 not saved').waitFor();
  const after = await rendered();
  expect(after.total).toBe(before.total);
  expect(after.list).toBeGreaterThan(before.list);
  expect(after.list).toBeLessThan(before.list + 5);
});

test('a component that goes away listens no more', async () => {
  expect(await page.evaluate(() => globalThis.listening())).toBeGreaterThan(0);
  await page.evaluate(() => globalThis.unmount());
  expect(await page.evaluate(() => globalThis.listening())).toBe(0);
});
