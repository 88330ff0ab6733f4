/** The page on a second screen: a ride to look at, for as long as the rider lets it. */
import type { Clock } from '../../../shared/clock.ts';
import { element, setShown, setText } from '../dom.ts';
import type { Badge } from '../status-text.ts';
import type { Ticker } from '../ticker.ts';
import { watchScreen } from '../watch-screen.ts';
import type { ReaderLink } from './reader-link.ts';
import { riderClock, watchedRide } from './watched-ride.ts';

const everyMs = 1_000;
const live: Badge = { tone: 'good', label: 'live', detail: '' };
const lost: Badge = { tone: 'busy', label: 'reconnecting…', detail: '' };
const ended: Badge = { tone: 'bad', label: 'ended', detail: '' };

export function showWatchPage(link: ReaderLink, clock: Clock, ticker: Ticker): void {
  const rider = riderClock(clock);
  const note = element('p', { role: 'status' });
  note.hidden = true;
  const sentence = 'You are looking at a ride. It is steered elsewhere.';
  const screen = watchScreen({ clock: rider, ticker, sentence, offers: [note] });
  const hear = watchedRide(link);
  let isAsking = false;
  let askedMs = -Infinity;
  const look = async (): Promise<void> => {
    isAsking = true;
    askedMs = clock.elapsedMs();
    const heard = await hear();
    isAsking = false;
    if (heard.kind === 'told') {
      rider.heard(heard.told.view.state.lastMs);
      screen.heard(heard.told, live);
    } else if (heard.kind === 'ended') {
      stop();
      setText(note, heard.sentence);
      setShown(note, true);
      screen.say(ended);
    } else screen.say(heard.kind === 'same' ? live : lost);
  };
  const stop = ticker.onTick(() => {
    if (!isAsking && clock.elapsedMs() - askedMs >= everyMs) void look();
  });
}
