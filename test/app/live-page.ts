/** The app as people meet it: the built page in a real browser, served by the built server in a process of its own. */
import { existsSync } from 'node:fs';

import { Client } from 'pg';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

import { freePort } from '../support/services/free-port.ts';
import { makePrivateFolder } from '../support/services/private-folder.ts';
import { startServer, type PrivateServer } from '../support/services/private-server.ts';
import { builtFile, freshPostgres, freshRedis } from '../support/services/shared-services.ts';

export interface AppServer {
  readonly url: string;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** Asked to leave, as a deploy does; resolves when it has. */
  drain(): Promise<void>;
  /** Another instance on the same stores; its address. Ends with the first one's stop. */
  startBeside(): Promise<string>;
  /** The same port and the same stores; does nothing while it runs. */
  start(): Promise<void>;
  /** Seconds of riding that Postgres holds samples of, of the ride begun last, in order of arrival. */
  savedSeconds(): Promise<readonly number[]>;
  /** Ends it for good. */
  stop(): Promise<void>;
}

/** Builds, and starts a server that saves every second or so. `more`: settings besides. */
export async function startAppServer(
  more: Readonly<Record<string, string>> = {},
): Promise<AppServer> {
  await builtFile('app');
  const main = await builtFile('server/main');
  const [postgres, redis] = await Promise.all([freshPostgres(), freshRedis()]);
  const folder = await makePrivateFolder('app');
  const folders = [folder];
  const port = await freePort();
  const env = {
    HOST: '127.0.0.1',
    PORT: String(port),
    DATABASE_URL: postgres.url,
    REDIS_URL: redis.url,
    TRACKSTAND_SECRET: 'a secret of thirty-two characters or more',
    CHECKPOINT_MS: '1000',
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    ...more,
  };
  const command = { file: process.execPath, args: [main], ready: /listening/i, env };
  const launch = (): Promise<PrivateServer> => startServer(command, folder);
  let server: PrivateServer | undefined = await launch();
  return {
    url: `http://127.0.0.1:${port}`,
    kill: async () => {
      await server?.end('SIGKILL');
      server = undefined;
    },
    drain: async () => {
      await server?.end('SIGTERM');
      server = undefined;
    },
    startBeside: async () => {
      const PORT = String(await freePort());
      // A guard ends the latest process of its folder alone.
      const own = await makePrivateFolder('app');
      folders.push(own);
      await startServer({ ...command, env: { ...env, PORT } }, own);
      return `http://127.0.0.1:${PORT}`;
    },
    start: async () => {
      server ??= await launch();
    },
    savedSeconds: () => savedSeconds(postgres.url),
    stop: async () => {
      await Promise.all(folders.map((one) => one.remove()));
    },
  };
}

const browserFlags =
  '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking ' +
  '--disable-component-update --disable-sync';

/** `flags` on top of the usual ones. */
export function startBrowser(flags: readonly string[] = []): Promise<Browser> {
  const found = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  const executablePath = found.find((path) => existsSync(path));
  if (executablePath === undefined) throw new Error('These tests need Chromium (apt: chromium).');
  return chromium.launch({
    executablePath,
    headless: true,
    args: [...browserFlags.split(' '), ...flags],
  });
}

export async function savedSeconds(connectionString: string): Promise<readonly number[]> {
  const client = new Client({ connectionString });
  await client.connect();
  const { rows } = await client.query<{ entries: string }>(
    `select entries from trackstand.session_log
     where session_id = (select session_id from trackstand.sessions order by created_at desc limit 1)
     order by head`,
  );
  await client.end();
  return rows.flatMap(({ entries }) =>
    [...entries.matchAll(/"sampled",\{[^}]*"second":(\d+)/g)].map(([, second]) => Number(second)),
  );
}

/** A rider in front of the page: a browser profile of their own, and what they read. */
export interface Rider {
  readonly page: Page;
  /** The big or small number of that name. */
  number(name: string): Promise<string>;
  elapsedS(): Promise<number>;
  badge(): Promise<string>;
  /** Samples this device has kept of the ride. */
  keptSampleCount(): Promise<number>;
  /** Another tab of the same browser, on the page. */
  openTab(): Promise<Rider>;
  /** A picture for people to look at, in `dist/screenshots/`. */
  photograph(name: string): Promise<void>;
  /** What went wrong in the page: uncaught errors, dialogs, and trespasses of its policy that only its own files run. */
  readonly problems: readonly string[];
  leave(): Promise<void>;
}

export async function newRider(
  browser: Browser,
  url: string,
  options: BrowserContextOptions,
  prepare: (page: Page) => Promise<void> = () => Promise.resolve(),
): Promise<Rider> {
  const context = await browser.newContext(options);
  // Only ends what hangs: a busy machine may take its time.
  context.setDefaultTimeout(120_000);
  const problems: string[] = [];
  const open = async (): Promise<Rider> => {
    const page = await context.newPage();
    page.on('pageerror', ({ message }) => problems.push(message));
    page.on('console', (message) => {
      if (/Content Security Policy/i.test(message.text())) problems.push(message.text());
    });
    // Nothing interrupts a ride, and nobody could answer one with their hands on the bars.
    page.on('dialog', (dialog) => {
      problems.push(`A dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await prepare(page);
    await page.goto(url);
    await page.waitForSelector('h1');
    return { ...reading(page), openTab: open, problems, leave: () => context.close() };
  };
  return open();
}

function reading(page: Page): Omit<Rider, 'openTab' | 'problems' | 'leave'> {
  const number = (name: string): Promise<string> =>
    page.locator(`[data-number="${name}"] .value`).innerText();
  return {
    page,
    number,
    elapsedS: async () => {
      const parts = (await number('elapsed')).split(':').map(Number);
      return parts.reduce((seconds, part) => seconds * 60 + part, 0);
    },
    badge: () => page.locator('.badge').innerText(),
    keptSampleCount: () => page.evaluate(countKeptSamples),
    photograph: async (name) => {
      await page.screenshot({ path: `dist/screenshots/${name}.png`, fullPage: true });
    },
  };
}

/** Runs in the page. */
function countKeptSamples(): Promise<number> {
  return new Promise((resolve) => {
    const open = indexedDB.open('trackstand-ride');
    open.addEventListener('success', () => {
      const all = open.result.transaction('commands').objectStore('commands').getAll();
      all.addEventListener('success', () =>
        resolve(all.result.filter(([type]: readonly unknown[]) => type === 'sample').length),
      );
    });
  });
}
