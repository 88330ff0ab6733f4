/** One ride, several tabs: the one that holds it rides; the others read along, take over when asked, and go on when it is closed. */
import type { Clock } from '../../shared/clock.ts';
import { followTab, holdInTab, type TabHold } from '../tab-hold.ts';
import { button } from './dom.ts';
import type { Ticker } from './ticker.ts';
import { watchScreen, type ToldRide } from './watch-screen.ts';

export interface TabRidesParts {
  /** Of the storage that holds the ride. */
  readonly name: string;
  readonly clock: Clock;
  readonly ticker: Ticker;
  /** Opens what the storage holds; this tab has it now. */
  readonly open: (hold: TabHold) => Promise<void>;
}

export interface TabRides {
  /** Opens the ride, or reads along where another tab has it. */
  readonly enter: () => Promise<void>;
  /** Null when another tab has a ride under way, which is shown then. */
  readonly hold: () => Promise<TabHold | null>;
}

export function tabRides({ name, clock, ticker, open }: TabRidesParts): TabRides {
  const take = async (hold: TabHold): Promise<void> => {
    void hold.lost.then(readAlong);
    await open(hold);
  };
  const hold = async (): Promise<TabHold | null> => {
    const hold = await holdInTab(name);
    if (hold === null) readAlong();
    else void hold.lost.then(readAlong);
    return hold;
  };
  const readAlong = (): void => {
    const waiting = new AbortController();
    const leave = (): void => {
      waiting.abort();
      unfollow();
      screen.close();
    };
    const rideHere = button({ class: 'primary' }, ['Ride here instead'], () => {
      leave();
      void holdInTab(name, { takesOver: true }).then((hold) => hold && take(hold));
    });
    const sentence = 'This ride goes on in another tab.';
    const screen = watchScreen({ clock, ticker, sentence, offers: [rideHere] });
    const unfollow = followTab(name, (told) => screen.heard(told as ToldRide));
    void holdInTab(name, { until: waiting.signal }).then((hold) => {
      if (hold === null) return;
      leave();
      void take(hold);
    });
  };
  const enter = async (): Promise<void> => {
    const held = await hold();
    if (held !== null) await open(held);
  };
  return { enter, hold };
}
