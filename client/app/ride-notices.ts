/** What a ride says of itself besides numbers: how it is kept, how a break went, why it cannot go on. */
import type { ResumeReceipt } from '../status.ts';
import { button, element, setShown, setText } from './dom.ts';
import type { RideFrame } from './ride-loop.ts';
import { makeStatusBadge } from './status-badge.ts';
import {
  elsewhereNotice,
  receiptNote,
  stopNotice,
  type LinkView,
  type Occasion,
} from './status-text.ts';

export interface RideNotices {
  readonly badge: HTMLElement;
  readonly banner: HTMLElement;
  readonly show: (frame: RideFrame) => void;
}

type Offers = Readonly<Record<ReturnType<typeof stopNotice>['offer'], () => void>>;
type Beginning = Exclude<Occasion, 'back'>;

/** `happened` hears of every break once it is over. */
export function rideNotices(
  begin: Beginning,
  offers: Offers,
  happened: (receipt: ResumeReceipt, occasion: Occasion, nowMs: number) => void,
): RideNotices {
  const noteFor = receiptNotes(begin, happened);
  const badge = makeStatusBadge();
  const banner = stopBanner(offers);
  return {
    badge: badge.root,
    banner: banner.root,
    show: ({ view, nowMs, isElsewhere }) => {
      const isRiding = view.state.phase === 'riding';
      badge.show({ link: view, isRiding, note: noteFor(view.receipt, nowMs) });
      banner.show(view, isElsewhere && view.state.phase !== 'finished');
    },
  };
}

/** A note about the latest break, for a while after it. */
function receiptNotes(
  begin: Beginning,
  happened: Parameters<typeof rideNotices>[2],
): (receipt: ResumeReceipt | undefined, nowMs: number) => string {
  const shownMs = 8_000;
  let occasion: Occasion = begin;
  let latest: ResumeReceipt | undefined;
  let note = '';
  let untilMs = 0;
  return (receipt, nowMs) => {
    if (receipt !== undefined && receipt !== latest) {
      note = receiptNote(receipt, occasion) ?? '';
      untilMs = nowMs + shownMs;
      happened(receipt, occasion, nowMs);
      latest = receipt;
      occasion = 'back';
    }
    return nowMs < untilMs ? note : '';
  };
}

interface StopBanner {
  readonly root: HTMLElement;
  show(link: LinkView, isElsewhere: boolean): void;
}

/** Why the ride cannot go on here, and the one thing to do about it. */
function stopBanner(offers: Offers): StopBanner {
  const labels = {
    'take-over': 'Take over here',
    'take-control': 'Ride here instead',
    'new-ride': 'New ride',
    reload: 'Reload',
  };
  const sentence = element('p');
  let offer: keyof typeof offers = 'reload';
  const act = button({ class: 'primary' }, [], () => offers[offer]());
  const root = element('div', { class: 'banner', role: 'alert' }, [sentence, act]);
  root.hidden = true;
  return {
    root,
    show: ({ status, stopReason, receipt }, isElsewhere) => {
      const isStopped = status === 'stopped';
      setShown(root, isStopped || isElsewhere);
      if (!isStopped && !isElsewhere) return;
      const notice = isStopped ? stopNotice(stopReason, receipt?.result) : elsewhereNotice;
      offer = notice.offer;
      setText(sentence, notice.sentence);
      setText(act, labels[offer]);
    },
  };
}
