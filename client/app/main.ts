/** The page: back into the ride this device keeps, or the choice of workouts. */
import { systemClock } from '../../shared/clock.ts';
import type { Brake } from '../../shared/workout/brake.ts';
import type { Plan } from '../../shared/workout/plan.ts';
import { workout } from '../../shared/workout/workout.ts';
import { connect, SessionNotCreatedError } from '../connect.ts';
import { indexedDbStorage } from '../indexed-db-storage.ts';
import { memoryStorage, type SessionStorage } from '../session-storage.ts';
import { isHeldInTab, type TabHold } from '../tab-hold.ts';
import { accountClient } from './account-client.ts';
import { accountDoor } from './account-door.ts';
import { showScreen } from './dom.ts';
import type { KeptCommand } from './export/ride-record.ts';
import { intervalsLink } from './intervals/intervals-link.ts';
import { libraryOfAccount } from './library/library-of-account.ts';
import { showLibrary } from './library/library-screen.ts';
import { workoutLibrary } from './library/workout-library.ts';
import { workoutMemory, workoutStore } from './library/workout-store.ts';
import { loginKeeper } from './login-keeper.ts';
import { askToKeepStorage, keepOfflineCopy } from './offline-copy.ts';
import { openRide, type OpenRideParts } from './open-ride.ts';
import { showProfile } from './profile/profile-screen.ts';
import { rememberedProfile } from './profile/rider-profile.ts';
import type { Ride } from './ride-loop.ts';
import { rideBook } from './rides/ride-book.ts';
import { rideStore } from './rides/ride-store.ts';
import { ridesOfAccount } from './rides/rides-of-account.ts';
import { showRides } from './rides/rides-screen.ts';
import { linkFromAddress } from './second-screen/reader-link.ts';
import { showWatchPage } from './second-screen/watch-page.ts';
import { startScreen } from './start-screen.ts';
import { steadyClock } from './steady-clock.ts';
import { tabRides } from './tab-rides.ts';
import { startTicker } from './ticker.ts';
import { makeWakeLock } from './wake-lock.ts';

const storageName = 'trackstand-ride';
const notKept =
  'This browser keeps nothing for this page: a ride would not survive a refresh of it.';

const notOpened = 'The ride this device keeps cannot be opened by this page.';
const notBegun = 'The ride could not begin. Reload the page and try again.';

// A link opened in this tab: the ride goes on behind it, in a page that begins anew. Heard from the first moment: one that is opened
// while a ride is taken up would be shown by nobody.
globalThis.addEventListener('hashchange', () => {
  if (/^#(account$|operator$|password=|watch\/)/.test(location.hash)) location.reload();
});

const clock = steadyClock(systemClock);
const ticker = startTicker();
const wakeLock = makeWakeLock();
const { storage, notice } = await openStorage();
// A finished ride becomes a file from what was recorded here.
const kept = { session: workout, storage, clock, keepsCommands: true } as const;
const options = { ...kept, url: location.origin };
const rides = rideStore();
const offlineCopy = keepOfflineCopy();
const client = accountClient(loginKeeper(clock));
const library = workoutLibrary({
  store: workoutStore(),
  memory: workoutMemory(),
  account: libraryOfAccount(client),
  nowMs: () => clock.nowMs(),
});
const book = rideBook({
  store: rides,
  account: ridesOfAccount(client),
  nowMs: () => clock.nowMs(),
});
const intervals = intervalsLink(rides);
const outside = { intervals, nowMs: () => clock.nowMs() };
const door = accountDoor({ client, clock, storage, leave, takeUp, signedOut });
globalThis.addEventListener('online', () => void sendWaiting());
const tabs = tabRides({ name: storageName, clock, ticker, open: openKept });
const watched = linkFromAddress(location.hash);
if (watched !== null) showWatchPage(watched, clock, ticker);
else if (!door.openFromAddress()) await begin();

async function begin(): Promise<void> {
  if ((await storage.load()) === undefined) showStart();
  else await tabs.enter();
}

/** Whatever another tab has made of the ride in the meantime, it is kept where it was; or it is over and left. */
async function openKept(hold: TabHold): Promise<void> {
  try {
    if ((await storage.load()) === undefined) {
      hold.release();
      return showStart();
    }
    show(await connect({ ...options, fetch: client.fetch, hold }), 'taken-up', hold);
    await door.claimRide();
  } catch (error) {
    hold.release();
    reportError(error);
    showStart(notOpened);
  }
}

function showStart(told = notice): void {
  void renewPage();
  void sendWaiting();
  const links = [
    { label: 'Your workouts', open: openLibrary },
    { label: 'Your rides', open: openRides },
    { label: 'Your profile', open: () => showProfile({ intervals, leave }) },
    { label: door.label(), open: door.open },
  ];
  showScreen(startScreen({ choose, library, ...outside, notice: told, links }));
}

/** While a ride is open here its id may change with its delivery, and it is sent from its own page. */
async function sendWaiting(): Promise<void> {
  if ((await storage.load()) === undefined) await intervals.sendWaiting();
}

function openLibrary(): void {
  showLibrary({ library, ...outside, profile: rememberedProfile, ride: choose, leave });
}

function openRides(): void {
  const { open: openAccount } = door;
  const parts = { book, library, intervals, profile: rememberedProfile, account: client };
  void showRides({ ...parts, openAccount, leave });
}

/** Who uses this device next sees nothing that other devices of who was signed in have done. */
function signedOut(): void {
  void Promise.allSettled([library.leaveAccount(), book.leaveAccount()]).then(leave);
}

/** A ride of the account, begun on another device. */
async function takeUp(resumeUrl: string): Promise<void> {
  const hold = await tabs.hold();
  if (hold === null) return;
  try {
    show(await connect({ ...kept, resumeUrl, hold }), 'taken-up', hold);
  } catch (error) {
    hold.release();
    throw error;
  }
}

async function choose(plan: Plan, ftpW: number, brake?: Brake): Promise<string | null> {
  askToKeepStorage();
  const hold = await tabs.hold();
  // Another tab was faster; its ride is shown by now.
  if (hold === null) return null;
  try {
    const { fetch } = client;
    const input = { plan, ftpW, ...(brake && { brake }) };
    show(await connect({ ...options, input, fetch, hold }), 'begun', hold);
    return null;
  } catch (error) {
    hold.release();
    // The service's own sentence.
    if (error instanceof SessionNotCreatedError) return error.message.replace(/\.?$/, '.');
    reportError(error);
    return notBegun;
  }
}

/** Another tab may have begun a ride meanwhile. */
function leave(): void {
  void begin();
}

/** A new release is taken when nobody rides, in no tab. */
async function renewPage(): Promise<void> {
  if (!(await isHeldInTab(storageName))) await offlineCopy.renew();
}

function show(ride: Ride, occasion: OpenRideParts['occasion'], hold: TabHold): void {
  clock.notBefore(ride.view().state.lastMs);
  const close = openRide({
    ride,
    occasion,
    clock,
    ticker,
    wakeLock,
    commands,
    rider: async () => (await storage.load())?.session,
    rides,
    intervals,
    left: () => showStart(),
    takeOver: () => {
      ride.close();
      void begin();
    },
    tell: (told) => hold.tell(told),
  });
  void hold.lost.then(close);
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
