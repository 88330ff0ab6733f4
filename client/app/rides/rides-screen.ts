/** The rider's rides, newest first, and everything of the rider's as one file. */
import { summary } from '../../../shared/workout/workout-view.ts';
import type { AccountClient, AccountOfRider, SignedInDevice } from '../account-client.ts';
import { button, element, setText, showScreen } from '../dom.ts';
import { saveFile } from '../download-row.ts';
import { clockTime, dayAndTime, whole, withUnit } from '../format.ts';
import type { IntervalsLink } from '../intervals/intervals-link.ts';
import type { KeptWorkout } from '../library/kept-workout.ts';
import type { WorkoutLibrary } from '../library/workout-library.ts';
import type { RiderProfile } from '../profile/rider-profile.ts';
import type { KeptRide } from './kept-ride.ts';
import type { LiveRide, Refreshed, RideBook } from './ride-book.ts';
import { showRideDetail } from './ride-detail.ts';

export interface RidesParts {
  readonly book: RideBook;
  readonly profile: () => RiderProfile;
  readonly library: Pick<WorkoutLibrary, 'list'>;
  readonly account: Pick<AccountClient, 'isSignedIn' | 'account' | 'devices'>;
  readonly intervals: IntervalsLink;
  /** Where a ride that is under way elsewhere can be taken up. */
  readonly openAccount: () => void;
  readonly leave: () => void;
}

const none = 'No rides yet. Every ride you finish is listed here.';
const closed = 'This browser keeps no rides for this page.';

export async function showRides(parts: RidesParts): Promise<void> {
  const { book, intervals, leave } = parts;
  const back = (): void => void showRides(parts);
  const note = element('p', { class: 'dim', role: 'status' });
  const items = element('ul', { class: 'rides' });
  let live: readonly LiveRide[] = [];
  let shown = '';
  const open = (ride: KeptRide): void => showRideDetail({ ride, book, intervals, leave: back });
  const show = async (): Promise<number | null> => {
    const rides = await book.list().catch(() => null);
    const cards = [
      ...live.map((ride) => liveCard(ride, parts.openAccount)),
      ...(rides ?? []).map((ride) => rideCard(ride, () => open(ride))),
    ];
    // What is as it was is left as it is, with the focus in it.
    const texts = cards.map((card) => card.textContent).join('\n');
    if (texts !== shown) items.replaceChildren(...cards.map((card) => element('li', {}, [card])));
    shown = texts;
    return rides === null ? null : cards.length;
  };
  const say = (count: number | null, told: string): void =>
    setText(note, count === null ? closed : count === 0 ? [none, told].join(' ').trim() : told);
  const everything = button({}, ['Download everything'], () => {
    everything.disabled = true;
    void download(parts, (told) => setText(note, told)).finally(() => {
      everything.disabled = false;
    });
  });
  say(await show(), book.isSignedIn() ? 'Looking into your account…' : '');
  showScreen(
    element('main', { class: 'ride' }, [
      element('header', {}, [element('h1', {}, ['Your rides']), note]),
      items,
      element('div', { class: 'controls' }, [
        button({ class: 'primary' }, ['Back'], leave),
        everything,
      ]),
    ]),
  );
  const refreshed = await book.refresh(async () => {
    await show();
  });
  if (refreshed.kind === 'fresh') live = refreshed.live;
  if (items.isConnected) say(await show(), sentenceOf(refreshed));
}

function sentenceOf({ kind }: Refreshed): string {
  switch (kind) {
    case 'alone':
      return 'What you rode on this device. Sign in, and your rides are on all of yours.';
    case 'unreachable':
      return 'The service cannot be reached: these are the rides this device has.';
    case 'fresh':
      return 'From all your devices.';
  }
}

function rideCard(ride: KeptRide, open: () => void): HTMLElement {
  const { name, state, copyOf } = ride;
  const { ridingS, averageW, load } = summary(state);
  const figures = [clockTime(ridingS), withUnit(averageW, 'W'), `load ${whole(load)}`];
  const elsewhere = copyOf === undefined ? '' : ' · on another device';
  return button(
    { class: 'card' },
    [
      element('span', { class: 'card-name' }, [name]),
      element('span', { class: 'dim' }, [`${dayAndTime(state.startedAtMs ?? 0)}${elsewhere}`]),
      element('span', { class: 'card-figures' }, [figures.join(' · ')]),
    ],
    open,
  );
}

function liveCard({ state }: LiveRide, open: () => void): HTMLElement {
  return button(
    { class: 'card under-way' },
    [
      element('span', { class: 'card-name' }, [state.plan.name]),
      element('span', { class: 'dim' }, [dayAndTime(state.startedAtMs ?? 0)]),
      element('span', { class: 'card-figures' }, [
        `Under way, ${clockTime(summary(state).ridingS)} so far: take it up from your account`,
      ]),
    ],
    open,
  );
}

/** With the course of every ride that the account still has. */
async function download(parts: RidesParts, tell: (told: string) => void): Promise<void> {
  const { book, library, profile, account } = parts;
  const kept = await book.list().catch(() => []);
  const rides: KeptRide[] = [];
  let summaryCount = 0;
  for (const ride of kept) {
    tell(`Gathering ${rides.length + 1} of ${kept.length} rides…`);
    const whole = await book.whole(ride).catch(() => ride);
    if (whole.copyOf !== undefined && whole.events === undefined) summaryCount++;
    rides.push(whole);
  }
  const about = account.isSignedIn() ? await accountData(account).catch(() => null) : null;
  const workouts = await library.list();
  const data = allData({ account: about, rides, profile: profile(), workouts });
  saveFile(JSON.stringify(data, null, 1), 'trackstand-data.json');
  const missing = [
    ...(summaryCount === 0 ? [] : [summariesText(summaryCount)]),
    ...(about === null && account.isSignedIn() ? [noAccountData] : []),
  ];
  tell(missing.join(' '));
}

async function accountData({ account, devices }: RidesParts['account']): Promise<AccountData> {
  const [about, signedIn] = await Promise.all([account(), devices()]);
  return { ...about, devices: signedIn };
}

const noAccountData =
  'Your e-mail address and your devices are missing: the account did not answer.';

const summariesText = (count: number): string =>
  count === 1
    ? 'Of one ride only the summary could be had.'
    : `Of ${count} rides only the summaries could be had.`;

interface AccountData extends AccountOfRider {
  readonly devices: readonly SignedInDevice[];
}

interface RidersData {
  /** Null when nobody is signed in here, or the account does not answer. */
  readonly account: AccountData | null;
  readonly rides: readonly KeptRide[];
  readonly profile: RiderProfile;
  readonly workouts: readonly KeptWorkout[];
}

/** Everything there is of a rider, in plain JSON: what was recorded, and what was made of it. */
function allData({ account, rides, profile, workouts }: RidersData): object {
  return {
    format: 'trackstand-data',
    version: 1,
    ...(account !== null && { account }),
    profile,
    workouts: workouts.map(({ plan, keptAtMs }) => ({ plan, keptAtMs })),
    rides: rides.map((ride) => ({ ...ride, summary: summary(ride.state) })),
  };
}
