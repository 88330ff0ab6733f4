/** Wires a session, a trainer and the screens to a ride that can be seen and steered. */
import type { Clock } from '../../shared/clock.ts';
import { makeBeeper } from './beeper.ts';
import { showScreen } from './dom.ts';
import { downloadRow } from './download-row.ts';
import type { KeptCommand } from './export/ride-record.ts';
import { rideActions } from './ride-actions.ts';
import type { RideActions } from './ride-controls.ts';
import { rideDevices } from './ride-devices.ts';
import { startRideLoop, type Ride, type RideFrame } from './ride-loop.ts';
import { rideNotices } from './ride-notices.ts';
import { rideScreen } from './ride-screen.ts';
import { beeps, pausesStanding } from './ride-settings.ts';
import { listenForShortcuts } from './shortcuts.ts';
import type { Occasion } from './status-text.ts';
import { summaryScreen } from './summary-screen.ts';
import type { Ticker } from './ticker.ts';
import type { WakeLock } from './wake-lock.ts';
import type { ToldRide } from './watch-screen.ts';

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
  /** To the tabs that read along. */
  readonly tell: (told: ToldRide) => void;
}

/** Shows the ride until it is left, or until the returned function is called. */
export function openRide(parts: OpenRideParts): () => void {
  const { ride, clock, ticker, wakeLock } = parts;
  const { state } = ride.view();
  const devices = rideDevices({ state, seed: seedOf(ride.sessionId), clock, ticker });
  const { trainer } = devices;
  const close = (): void => {
    loop.stop();
    stopKeys();
    beeper.close();
    wakeLock.hold(false);
  };
  const leave = (): void => {
    close();
    void forgotten(ride).then(parts.left);
  };
  const beeper = makeBeeper(beeps.isOn);
  const { badge, banner, ...notices } = rideNotices(parts.occasion, {
    'take-over': () => {
      close();
      parts.takeOver();
    },
    'new-ride': leave,
    reload: () => location.reload(),
  });
  const { actions, noteAt } = rideActions({ ride, clock, changed: () => loop.refresh(), leave });
  const screen = rideScreen({
    state,
    line: devices.line,
    panel: devices.panel,
    badge,
    banner,
    actions,
  });
  let isOver = false;
  let isStopped = false;
  const tell = whenChanged(parts.tell);
  const show = (frame: RideFrame): void => {
    const { view, nowMs } = frame;
    tell(frame);
    const isRiding = view.state.phase === 'riding';
    notices.show(frame);
    devices.show(view.state.phase);
    wakeLock.hold(isRiding && view.status !== 'stopped');
    beeper.hear(frame);
    if (view.state.phase === 'finished' && !isOver) {
      isOver = true;
      stopKeys();
      showSummary(parts, { badge, banner }, leave);
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
  const loop = startRideLoop({
    ride,
    trainer,
    clock,
    ticker,
    pausesStanding: pausesStanding.isOn,
    show,
  });
  return close;
}

/** What storage does not forget now it offers once more; there is nothing else to do about it. */
function forgotten(ride: Ride): Promise<void> {
  return ride.forget().catch(() => {});
}

/** A ride changes once or twice a second; the beat is faster. */
function whenChanged(tell: (told: ToldRide) => void): (frame: RideFrame) => void {
  let latest: RideFrame['view'] | undefined;
  return ({ view, samples }) => {
    if (view !== latest) tell({ view, samples });
    latest = view;
  };
}

function showSummary(
  { ride, commands }: OpenRideParts,
  notices: { readonly badge: HTMLElement; readonly banner: HTMLElement },
  leave: () => void,
): void {
  const { state } = ride.view();
  const serial = seedOf(ride.sessionId) >>> 0 || 1;
  const downloads = downloadRow({ state, serial, commands });
  const unsaved = (): number => ride.view().unsaved;
  showScreen(summaryScreen({ state, ...notices, downloads, unsaved, leave }));
}

/** The same rider on the same session, after a refresh too. */
function seedOf(text: string): number {
  let seed = 0;
  for (const character of text) seed = (Math.imul(seed, 31) + (character.codePointAt(0) ?? 0)) | 0;
  return seed;
}
