import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

import { Client } from 'pg';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { makePrivateFolder, type PrivateFolder } from '../support/services/private-folder.ts';
import { builtFile, freshPostgres, freshRedis } from '../support/services/shared-services.ts';
import { newRider, startAppServer, startBrowser, type AppServer, type Rider } from './live-page.ts';

const laptop = { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' } as const;
const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true } as const;
const password = 'mistral over ventoux';

let servers: AppServer[];
let browser: Browser;
let folder: PrivateFolder;
let postgres: string;
const riders: Rider[] = [];
beforeAll(async () => {
  folder = await makePrivateFolder('deploys');
  const log = join(folder.path, 'audit.jsonl');
  await writeFile(log, deployLog());
  postgres = (await freshPostgres()).url;
  const settings = {
    DATABASE_URL: postgres,
    REDIS_URL: (await freshRedis()).url,
    DEPLOY_LOG: log,
    RELEASE: '2026-11-21',
    HASH_COST: '4',
  };
  browser = await startBrowser();
  servers = [await startAppServer(settings), await startAppServer(settings)];
  for (const email of ['ada@example.com', 'bob@example.com']) await makeOperator(email);
  await inPostgres(`update trackstand.accounts set is_operator = false where email like 'bob%'`);
  await inPostgres(
    `insert into trackstand.backups (made_at, file, bytes) values (now() - interval '5 h', 'x', 1)`,
  );
});
afterAll(async () => {
  await browser.close();
  await Promise.all(servers.map((server) => server.stop()));
  await folder.remove();
});
afterEach(async () => {
  const problems = riders.flatMap((rider) => rider.problems);
  await Promise.all(riders.splice(0).map((rider) => rider.leave()));
  if (problems.length > 0) throw new Error(problems.join('\n'));
});

function deployLog(): string {
  const line = (minutesAgo: number, entry: object): string => {
    const at = new Date(Date.now() - minutesAgo * 60_000).toISOString();
    return JSON.stringify({ at, host: 'web1', ...entry });
  };
  const [former, release] = ['2026-11-14', '2026-11-21'];
  return [
    line(9_000, { action: 'deploy', release: '2026-11-15', from: former, by: 'ada' }),
    line(8_999, {
      action: 'deploy-failed',
      release: '2026-11-15',
      why: 'it does worse than the one before',
    }),
    line(8_998, { action: 'deploy-undone', release: '2026-11-15', moved: '120' }),
    line(42, { action: 'deploy', release, from: former, by: 'ada' }),
    line(41, { action: 'deploy-done', release, moved: '240', seconds: '58' }),
  ].join('\n');
}

async function makeOperator(email: string): Promise<void> {
  const child = spawn(process.execPath, [await builtFile('server/operator'), email], {
    env: { DATABASE_URL: postgres, TRACKSTAND_SECRET: 'x'.repeat(32), HASH_COST: '4' },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  child.stdin.end(`${password}\n`);
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`The operator was not made: ${code}.`);
}

async function inPostgres(sql: string): Promise<void> {
  const client = new Client({ connectionString: postgres });
  await client.connect();
  await client.query(sql);
  await client.end();
}

async function come(email: string, options: Parameters<typeof newRider>[2]): Promise<Rider> {
  const rider = await newRider(browser, `${servers[0]?.url}/#operator`, options);
  riders.push(rider);
  const { page } = rider;
  await page.getByLabel('E-mail address', { exact: true }).fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: 'The service' }).waitFor();
  return rider;
}

/** What stands on the page, once it says that. */
async function reads({ page }: Rider, text: string | RegExp): Promise<void> {
  await page.getByText(text).first().waitFor({ timeout: 60_000 });
}

test('who is no operator is told so, and nothing else', async () => {
  const rider = await come('bob@example.com', laptop);
  await reads(rider, 'This account is not an operator’s.');
  expect(await rider.page.locator('.instance').count()).toBe(0);
});

test('an operator sees every instance, the latest deploys and the backup, on a laptop and on a phone, dark and light', async () => {
  const rider = await come('ada@example.com', laptop);
  await reads(rider, '2 instances · release 2026-11-21 · 0 sessions · 0 connections');
  await reads(rider, 'Release 2026-11-21 was deployed: 240 connections moved, 58 s.');
  await expect
    .poll(() => rider.page.locator('.instance .state').allInnerTexts())
    .toEqual(['ready', 'ready']);
  expect(await rider.page.locator('.instance h2').first().innerText()).toContain(hostname());
  await reads(rider, /made and verified 5 h ago/);
  expect(await rider.page.locator('.troubles').count()).toBe(0);
  await rider.photograph('operator-dark');
  await rider.page.emulateMedia({ colorScheme: 'light' });
  await rider.photograph('operator-light');

  const pocket = await come('ada@example.com', { ...phone, colorScheme: 'dark' });
  await reads(pocket, /^2 instances/);
  const widths = await pocket.page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  expect(widths[0]).toBe(widths[1]);
  await pocket.photograph('operator-phone-dark');
  await pocket.page.emulateMedia({ colorScheme: 'light' });
  await pocket.photograph('operator-phone-light');
});

test('from the account, and what happens meanwhile is seen without asking', async () => {
  const rider = await come('ada@example.com', laptop);
  await rider.page.getByRole('button', { name: 'Back' }).click();
  await rider.page.getByRole('button', { name: 'Your account' }).click();
  await rider.page.getByRole('button', { name: 'The service' }).click();
  await reads(rider, /^2 instances/);
  await servers[1]?.kill();
  await inPostgres(
    `update trackstand.instances set heard_at = now() - interval '50 s' where place like '%:' || ${portOf(servers[1])}`,
  );
  await reads(rider, 'One instance serves alone.');
  await reads(rider, /^No word from .* for \d+ (s|min)\.$/);
  await rider.photograph('operator-trouble');
  await servers[0]?.kill();
  await reads(rider, 'The service cannot be reached.');
  expect(await rider.page.locator('.instance').count()).toBe(2);
  await rider.photograph('operator-away');
  await servers[0]?.start();
  await reads(rider, /^1 instance · /);
});

const portOf = (server: AppServer | undefined): string => new URL(server?.url ?? '').port;
