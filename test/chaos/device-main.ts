/** The process of one device: does what it is told on its standard input, and says what came of it. Ends with whoever started it. */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { seededRandom } from '../simulation/random.ts';
import { Browser } from './browser.ts';
import { ordinalOf } from './command-source.ts';
import { reportsFd, type BeginOrder, type Order, type Report } from './device-protocol.ts';
import { FileStorage } from './file-storage.ts';

/** Written before anything else happens: what was told is told, even when this process is killed right afterwards. */
function tell(report: Report): void {
  writeSync(reportsFd, `${JSON.stringify(report)}\n`);
}

async function begin({ folder, origin, input, seed }: BeginOrder): Promise<Browser> {
  const storage = await FileStorage.open(folder);
  const { commands = [] } = (await storage.load()) ?? {};
  const timesMs = commands.map(([, , atMs]) => atMs);
  tell({ report: 'found', timesMs });
  const timeMs = timesMs.at(-1) ?? 0;
  const browser = new Browser({
    begin: { origin, input },
    storage,
    random: seededRandom(seed),
    enteredThrough: timesMs.length === 0 ? 0 : ordinalOf(timeMs),
    timeMs,
    tell,
  });
  await browser.open();
  return browser;
}

async function follow(browser: Browser, order: Order): Promise<void> {
  switch (order.order) {
    case 'begin':
      throw new Error('It has begun.');
    case 'enter':
      browser.enter(order.commands);
      break;
    case 'reload':
      await browser.reload(order.how);
      break;
    case 'signal':
      globalThis.dispatchEvent(new Event(order.signal));
      break;
    case 'account':
      tell({ report: 'account', number: order.number, ...(await browser.account()) });
      break;
  }
}

/** The client listens to the window for what the device tells a page; Node has none. */
function standInForWindow(): void {
  const window = new EventTarget();
  Object.assign(globalThis, {
    addEventListener: window.addEventListener.bind(window),
    removeEventListener: window.removeEventListener.bind(window),
    dispatchEvent: window.dispatchEvent.bind(window),
  });
}

function main(): void {
  standInForWindow();
  let browser: Promise<Browser> | undefined;
  const orders = createInterface({ input: process.stdin });
  orders.on('line', (line) => {
    const order = JSON.parse(line) as Order;
    if (order.order === 'begin') browser = begin(order);
    else void browser?.then((begun) => follow(begun, order));
  });
  // The pipe is closed by the system too, when the run is killed.
  orders.on('close', () => process.exit());
}

main();
