/** The rides this device keeps, newest first, and everything of the rider's as one file. */
import { summary } from '../../../shared/workout/workout-view.ts';
import { button, element, setText, showScreen } from '../dom.ts';
import { saveFile } from '../download-row.ts';
import { clockTime, dayAndTime, whole, withUnit } from '../format.ts';
import type { RiderProfile } from '../profile/rider-profile.ts';
import type { KeptRide } from './kept-ride.ts';
import { showRideDetail } from './ride-detail.ts';
import type { RideStore } from './ride-store.ts';

export interface RidesParts {
  readonly store: RideStore;
  readonly profile: () => RiderProfile;
  readonly leave: () => void;
}

const none = 'No rides yet. Every ride you finish on this device is listed here.';
const closed = 'This browser keeps no rides for this page.';

export async function showRides(parts: RidesParts): Promise<void> {
  const { store, profile, leave } = parts;
  const rides = await store.list().catch(() => null);
  const back = (): void => void showRides(parts);
  const open = (ride: KeptRide): void =>
    showRideDetail({
      ride,
      rename: (name) => store.rename(ride.sessionId, name).catch(() => {}),
      remove: () =>
        store
          .remove(ride.sessionId)
          .catch(() => {})
          .then(back),
      leave: back,
    });
  const note = element('p', { class: 'dim', role: 'status' });
  if (rides === null) setText(note, closed);
  else if (rides.length === 0) setText(note, none);
  const everything = button({}, ['Download everything'], () =>
    saveFile(JSON.stringify(allData(rides ?? [], profile()), null, 1), 'trackstand-data.json'),
  );
  showScreen(
    element('main', { class: 'ride' }, [
      element('h1', {}, ['Your rides']),
      note,
      element(
        'ul',
        { class: 'rides' },
        (rides ?? []).map((ride) => element('li', {}, [rideCard(ride, () => open(ride))])),
      ),
      element('div', { class: 'controls' }, [
        button({ class: 'primary' }, ['Back'], leave),
        everything,
      ]),
    ]),
  );
}

function rideCard({ name, state }: KeptRide, open: () => void): HTMLElement {
  const { ridingS, averageW, load } = summary(state);
  const figures = [clockTime(ridingS), withUnit(averageW, 'W'), `load ${whole(load)}`];
  return button(
    { class: 'card' },
    [
      element('span', { class: 'card-name' }, [name]),
      element('span', { class: 'dim' }, [dayAndTime(state.startedAtMs ?? 0)]),
      element('span', { class: 'card-figures' }, [figures.join(' · ')]),
    ],
    open,
  );
}

/** Everything this device keeps of a rider, in plain JSON: what was recorded, and what was made of it. */
export function allData(rides: readonly KeptRide[], profile: RiderProfile): object {
  return {
    format: 'trackstand-data',
    version: 1,
    profile,
    rides: rides.map((ride) => ({ ...ride, summary: summary(ride.state) })),
  };
}
