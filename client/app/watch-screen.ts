/** A ride that is steered elsewhere: the same screen, to read and not to steer. */
import type { Clock } from '../../shared/clock.ts';
import { element, showScreen } from './dom.ts';
import type { RideFrame } from './ride-loop.ts';
import { rideScreen, type RideScreen } from './ride-screen.ts';
import { makeStatusBadge } from './status-badge.ts';
import type { Badge } from './status-text.ts';
import type { Ticker } from './ticker.ts';

/** What is told of a ride whenever something in it has changed; who hears it lets its clock go on by themselves. */
export type ToldRide = Pick<RideFrame, 'view' | 'samples'>;

export interface WatchParts {
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly ticker: Ticker;
  /** Who rides, in one sentence. */
  readonly sentence: string;
  /** What can be done about it. */
  readonly offers: readonly HTMLElement[];
}

export interface WatchScreen {
  /** `badge`: how it is heard, where that is not how the ride itself is kept. */
  heard(told: ToldRide, badge?: Badge): void;
  say(badge: Badge): void;
  close(): void;
}

/** Shows at once that there is a ride elsewhere, and the ride with the first that is heard of it. */
export function watchScreen({ clock, ticker, sentence, offers }: WatchParts): WatchScreen {
  const badge = makeStatusBadge();
  const line = element('p', { class: 'dim' }, [sentence]);
  const panel = element('div', { class: 'device-buttons' }, offers);
  let latest: ToldRide | undefined;
  let said: Badge | undefined;
  let screen: RideScreen | undefined;
  const show = (): void => {
    if (latest === undefined) return;
    const { view, samples } = latest;
    if (said === undefined)
      badge.show({ link: view, isRiding: view.state.phase === 'riding', note: '' });
    else badge.say(said);
    const nowMs = clock.nowMs();
    screen?.show({ view, samples, nowMs, isElsewhere: true }, overNote(latest), null);
  };
  const root = element('main', { class: 'ride' }, [
    element('header', { class: 'bar' }, [
      element('div', { class: 'title' }, [element('h1', {}, ['A ride is under way']), line]),
      badge.root,
    ]),
    panel,
  ]);
  showScreen(root);
  const stop = ticker.onTick(show);
  return {
    heard: (told, badgeOfLink) => {
      said = badgeOfLink;
      const isNew = latest?.view.state.startedAtMs !== told.view.state.startedAtMs;
      latest = told;
      if (screen === undefined || isNew) {
        const { state } = told.view;
        const banner = element('div', { hidden: '' });
        screen = rideScreen({ state, line, panel, badge: badge.root, banner, actions: null });
        showScreen(screen.root);
      }
      show();
    },
    say: (badgeOfLink) => {
      said = badgeOfLink;
      show();
    },
    close: stop,
  };
}

function overNote({ view }: ToldRide): string {
  return view.state.phase === 'finished' ? 'This ride is over.' : '';
}
