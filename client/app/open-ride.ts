/** Wires a session, a trainer and the screens to a ride that can be seen and steered. */
import type { Clock } from '../../shared/clock.ts';
import type { StoredSession } from '../session-storage.ts';
import { makeBeeper } from './beeper.ts';
import { element, showScreen } from './dom.ts';
import type { KeptCommand } from './export/ride-record.ts';
import type { IntervalsLink } from './intervals/intervals-link.ts';
import { rideActions } from './ride-actions.ts';
import { rideDevices, type RideDevices } from './ride-devices.ts';
import { startRideLoop, type Ride, type RideFrame } from './ride-loop.ts';
import { rideNotices } from './ride-notices.ts';
import { rideScreen } from './ride-screen.ts';
import { beeps, pausesStanding, startsPedalling } from './ride-settings.ts';
import { incidentOf } from './rides/incidents.ts';
import { serialOf, type KeptRide } from './rides/kept-ride.ts';
import { rideReport } from './rides/ride-report.ts';
import type { RideStore } from './rides/ride-store.ts';
import { shareRow } from './second-screen/share-row.ts';
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
  /** What this device may do with the session. */
  readonly rider: () => Promise<StoredSession | undefined>;
  /** The rides of this device. */
  readonly rides: RideStore;
  readonly intervals: IntervalsLink;
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
  const devices = rideDevices({ state, seed: serialOf(ride.sessionId), clock, ticker });
  const { trainer, line } = devices;
  const share = shareRow(ride.sessionId, parts.rider);
  const panel = element('div', { class: 'panels' }, [devices.panel, share.root]);
  const close = (): void => {
    loop.stop();
    stopKeys();
    beeper.close();
    wakeLock.hold(false);
  };
  const leave = (): void => {
    close();
    void keepRide(parts)
      .then(() => forgotten(ride))
      .then(parts.left);
  };
  const beeper = makeBeeper(beeps.isOn);
  const offers = {
    'take-over': () => {
      close();
      parts.takeOver();
    },
    'take-control': () => ride.send('take-control', {}),
    'new-ride': leave,
    reload: () => location.reload(),
  };
  const { badge, banner, ...notices } = rideNotices(parts.occasion, offers, happened(parts));
  const changed = (): void => loop.refresh();
  const { actions, noteAt } = rideActions({ ride, trainer, clock, changed, leave });
  const screen = rideScreen({ state, line, panel, badge, banner, actions });
  const delivery = firstFinal();
  let isOver = false;
  let isStopped = false;
  const tell = followingId(parts, whenChanged(parts.tell));
  const show = (frame: RideFrame): void => {
    const { view, nowMs } = frame;
    tell(frame);
    delivery.hear(frame);
    notices.show(frame);
    devices.show(view.state.phase);
    share.show(view.state.phase);
    wakeLock.hold(view.state.phase === 'riding' && view.status !== 'stopped');
    beeper.hear(frame);
    if (view.state.phase === 'finished' && !isOver) {
      isOver = true;
      stopKeys();
      showSummary(parts, { badge, banner, delivered: delivery.done }, leave);
    }
    // From then on nobody knows here what the ride does: the last figures stay, and are seen to be old.
    if (!isOver && !isStopped)
      screen.show(frame, noteAt(nowMs) || startNote(frame, devices), trainer.view().abilities);
    // The page that rides on needs the devices.
    if (view.status === 'stopped' && !isStopped) trainer.close();
    isStopped = view.status === 'stopped';
  };
  const { askToFinish, cancel } = screen;
  const stopKeys = listenForShortcuts({ ...actions, askToFinish, cancel });
  showScreen(screen.root);
  const loop = startRideLoop({
    ride,
    trainer,
    clock,
    ticker,
    pausesStanding: pausesStanding.isOn,
    startsPedalling: startsPedalling.isOn,
    show,
  });
  return close;
}

/** That the legs begin the ride, where they do. */
function startNote({ view }: RideFrame, { isSimulated }: RideDevices): string {
  if (view.state.phase !== 'ready' || !startsPedalling.isOn() || isSimulated()) return '';
  return 'Ready when you are: pedal, and it starts.';
}

/** A ride that began without the service may get another id with its delivery; under the former one it would be listed once more. */
function followingId(
  { ride, rides }: OpenRideParts,
  tell: (frame: RideFrame) => void,
): (frame: RideFrame) => void {
  let known = ride.sessionId;
  return (frame) => {
    const former = known;
    known = ride.sessionId;
    if (known !== former) void rides.move(former, known).catch(() => {});
    tell(frame);
  };
}

/** When the service has all of the ride, and its id stays. */
function firstFinal(): { readonly done: Promise<void>; hear(frame: RideFrame): void } {
  let resolve: (() => void) | undefined;
  const done = new Promise<void>((heard) => {
    resolve = heard;
  });
  return { done, hear: ({ view }) => void (view.isFinal && resolve?.()) };
}

/** Keeps what happened beside the ride. */
function happened({ ride, rides }: OpenRideParts): Parameters<typeof rideNotices>[2] {
  return (receipt, occasion, nowMs) => {
    const incident = incidentOf(receipt, occasion, nowMs);
    // Without storage there is no list either, and the ride goes on.
    if (incident !== null) void rides.addIncident(ride.sessionId, incident).catch(() => {});
  };
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

/** The ride with its report, which is put among the rides of this device. */
function showSummary(
  parts: OpenRideParts,
  {
    delivered,
    ...notices
  }: {
    readonly badge: HTMLElement;
    readonly banner: HTMLElement;
    readonly delivered: Promise<void>;
  },
  leave: () => void,
): void {
  const { ride } = parts;
  const { state } = ride.view();
  const report = element('div', { class: 'reports' });
  const sending = { link: parts.intervals, delivered: delivered.then(() => keepRide(parts)) };
  void keepRide(parts).then((kept) => report.replaceChildren(...rideReport(kept, sending)));
  const unsaved = (): number => ride.view().unsaved;
  showScreen(summaryScreen({ state, ...notices, report, unsaved, leave }));
}

/** What a full storage does not take can still be looked at, and saved as a file. */
async function keepRide({ ride, commands, rides }: OpenRideParts): Promise<KeptRide> {
  const { state } = ride.view();
  const incidents = await rides.incidents(ride.sessionId).catch(() => []);
  const recorded = await commands().catch(() => []);
  // The id of this moment: it may have changed meanwhile.
  const { sessionId } = ride;
  const kept = { sessionId, name: state.plan.name, state, commands: recorded, incidents };
  if (state.startedAtMs === null) return kept;
  return rides.keep(kept).catch(() => kept);
}
