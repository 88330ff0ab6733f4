/** Wires a session, a trainer and the screens to a ride that can be seen and steered. */
import type { Clock } from '../../shared/clock.ts';
import type { ResumeReceipt } from '../status.ts';
import { button, element, setShown, setText, showScreen } from './dom.ts';
import { downloadRow } from './download-row.ts';
import type { KeptCommand } from './export/ride-record.ts';
import { rideActions } from './ride-actions.ts';
import type { RideActions } from './ride-controls.ts';
import { rideDevices } from './ride-devices.ts';
import { startRideLoop, type Ride, type RideFrame } from './ride-loop.ts';
import { rideScreen } from './ride-screen.ts';
import { listenForShortcuts } from './shortcuts.ts';
import { pausesStanding } from './standing-setting.ts';
import { makeStatusBadge } from './status-badge.ts';
import { receiptNote, stopReason, type LinkView, type Occasion } from './status-text.ts';
import { summaryScreen } from './summary-screen.ts';
import type { Ticker } from './ticker.ts';
import type { WakeLock } from './wake-lock.ts';

export interface OpenRideParts {
  readonly ride: Ride;
  /** How the session came about in this page. */
  readonly occasion: Exclude<Occasion, 'back'>;
  readonly clock: Clock;
  readonly ticker: Ticker;
  readonly wakeLock: WakeLock;
  /** All that this device has recorded of the ride. */
  readonly commands: () => Promise<readonly KeptCommand[]>;
  /** The ride is forgotten on this device. */
  readonly left: () => void;
  /** This page takes the ride up again, after another one took it over. */
  readonly takeOver: () => void;
}

/** Shows the ride until it is left or taken over. */
export function openRide(parts: OpenRideParts): void {
  const { ride, clock, ticker, wakeLock } = parts;
  const { state } = ride.view();
  const devices = rideDevices({ state, seed: seedOf(ride.sessionId), clock, ticker });
  const { trainer } = devices;
  const close = (): void => {
    loop.stop();
    stopKeys();
    wakeLock.hold(false);
  };
  const leave = (): void => {
    close();
    // What storage does not forget now it offers once more; there is nothing else to do about it.
    void ride
      .forget()
      .catch(() => {})
      .then(parts.left);
  };
  const takeOver = (): void => {
    close();
    parts.takeOver();
  };
  const noteFor = receiptNotes(parts.occasion);
  const badge = makeStatusBadge();
  const banner = stopBanner({
    'take-over': takeOver,
    'new-ride': leave,
    reload: () => location.reload(),
  });
  const { actions, noteAt } = rideActions({ ride, clock, changed: () => loop.refresh(), leave });
  const screen = rideScreen({
    state,
    devices,
    badge: badge.root,
    banner: banner.root,
    actions,
  });
  let isOver = false;
  let isStopped = false;
  const show = (frame: RideFrame): void => {
    const { view, nowMs } = frame;
    const isRiding = view.state.phase === 'riding';
    badge.show({ link: view, isRiding, note: noteFor(view.receipt, nowMs) });
    banner.show(view);
    devices.show(view.state.phase);
    wakeLock.hold(isRiding && view.status !== 'stopped');
    if (view.state.phase === 'finished' && !isOver) {
      isOver = true;
      stopKeys();
      const unsaved = (): number => ride.view().unsaved;
      const serial = seedOf(ride.sessionId) >>> 0 || 1;
      const downloads = downloadRow({ state: view.state, serial, commands: parts.commands });
      const shared = { badge: badge.root, banner: banner.root, downloads };
      showScreen(summaryScreen({ state: view.state, ...shared, unsaved, leave }));
    }
    // From then on nobody knows here what the ride does: the last figures stay, and are seen to be old.
    if (!isOver && !isStopped) screen.show(frame, noteAt(nowMs));
    // The page that rides on needs the devices.
    if (view.status === 'stopped' && !isStopped) trainer.close();
    isStopped = view.status === 'stopped';
  };
  const stopKeys = listenForShortcuts({
    ...(actions satisfies RideActions),
    askToFinish: screen.askToFinish,
    cancel: screen.cancel,
  });
  showScreen(screen.root);
  const loop = startRideLoop({ ride, trainer, clock, ticker, pausesStanding, show });
}

/** A note about the latest break, for a while after it. */
function receiptNotes(
  begin: OpenRideParts['occasion'],
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
      latest = receipt;
      occasion = 'back';
    }
    return nowMs < untilMs ? note : '';
  };
}

interface StopBanner {
  readonly root: HTMLElement;
  show(link: LinkView): void;
}

/** Why the ride cannot go on here, and the one thing to do about it. */
function stopBanner(
  offers: Readonly<Record<ReturnType<typeof stopReason>['offer'], () => void>>,
): StopBanner {
  const labels = { 'take-over': 'Take over here', 'new-ride': 'New ride', reload: 'Reload' };
  const sentence = element('p');
  let offer: keyof typeof offers = 'reload';
  const act = button({ class: 'primary' }, [], () => offers[offer]());
  const root = element('div', { class: 'banner', role: 'alert' }, [sentence, act]);
  root.hidden = true;
  return {
    root,
    show: ({ status, stopCode, receipt }) => {
      setShown(root, status === 'stopped');
      if (status !== 'stopped') return;
      const reason = stopReason(stopCode, receipt?.result);
      offer = reason.offer;
      setText(sentence, reason.sentence);
      setText(act, labels[offer]);
    },
  };
}

/** The same rider on the same session, after a refresh too. */
function seedOf(text: string): number {
  let seed = 0;
  for (const character of text) seed = (Math.imul(seed, 31) + (character.codePointAt(0) ?? 0)) | 0;
  return seed;
}
