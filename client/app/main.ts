/** The page: back into the ride this device keeps, or the choice of workouts. */
import { systemClock } from '../../shared/clock.ts';
import type { Plan } from '../../shared/workout/plan.ts';
import { workout } from '../../shared/workout/workout.ts';
import { connect, SessionNotCreatedError } from '../connect.ts';
import { indexedDbStorage } from '../indexed-db-storage.ts';
import { memoryStorage, type SessionStorage } from '../session-storage.ts';
import { accountClient } from './account-client.ts';
import { accountDoor } from './account-door.ts';
import { showScreen } from './dom.ts';
import type { KeptCommand } from './export/ride-record.ts';
import { loginKeeper } from './login-keeper.ts';
import { openRide, type OpenRideParts } from './open-ride.ts';
import type { Ride } from './ride-loop.ts';
import { startScreen } from './start-screen.ts';
import { startTicker } from './ticker.ts';
import { makeWakeLock } from './wake-lock.ts';

const storageName = 'trackstand-ride';
const notKept =
  'This browser keeps nothing for this page: a ride would not survive a refresh of it.';

const notOpened = 'The ride this device keeps cannot be opened by this page.';
const notBegun = 'The ride could not begin. Reload the page and try again.';

const clock = systemClock;
const ticker = startTicker();
const wakeLock = makeWakeLock();
const { storage, notice } = await openStorage();
// A finished ride becomes a file from what was recorded here.
const kept = { session: workout, storage, keepsCommands: true } as const;
const options = { ...kept, url: location.origin };
const client = accountClient(loginKeeper(clock));
const door = accountDoor({ client, clock, storage, leave: () => void begin(), takeUp });
// A link opened in this tab: the ride goes on behind it, in a page that begins anew.
globalThis.addEventListener('hashchange', () => {
  if (/^#(account$|operator$|password=)/.test(location.hash)) location.reload();
});
if (!door.openFromAddress()) await begin();

async function begin(): Promise<void> {
  try {
    if ((await storage.load()) === undefined) showStart();
    else {
      show(await connect(options), 'taken-up');
      await door.claimRide();
    }
  } catch (error) {
    reportError(error);
    showStart(notOpened);
  }
}

/** Whatever the other page has made of the ride in the meantime, it is kept where it was. */
function takeOver(): void {
  void begin();
}

function showStart(told = notice): void {
  const account = { label: door.label(), open: door.open };
  showScreen(startScreen({ choose, notice: told, account }));
}

/** A ride of the account, begun on another device. */
async function takeUp(resumeUrl: string): Promise<void> {
  show(await connect({ ...kept, resumeUrl }), 'taken-up');
}

async function choose(plan: Plan, ftpW: number): Promise<string | null> {
  const input = { plan, ftpW };
  try {
    show(await connect({ ...options, input, fetch: client.fetch }), 'begun');
    return null;
  } catch (error) {
    if (error instanceof SessionNotCreatedError) return whyNot(error);
    reportError(error);
    return notBegun;
  }
}

/** The service's own sentence, and what to wait for when there is no service. */
function whyNot({ code, message }: SessionNotCreatedError): string {
  const sentence = message.replace(/\.?$/, '.');
  return code === 'unreachable' ? `${sentence} A ride can begin when it is back.` : sentence;
}

function show(ride: Ride, occasion: OpenRideParts['occasion']): void {
  openRide({
    ride,
    occasion,
    clock,
    ticker,
    wakeLock,
    commands,
    left: () => showStart(),
    takeOver,
  });
}

async function commands(): Promise<readonly KeptCommand[]> {
  return (await storage.load())?.commands ?? [];
}

async function openStorage(): Promise<{ storage: SessionStorage; notice: string }> {
  try {
    const storage = await indexedDbStorage(storageName);
    await storage.load();
    return { storage, notice: '' };
  } catch {
    return { storage: memoryStorage(), notice: notKept };
  }
}
