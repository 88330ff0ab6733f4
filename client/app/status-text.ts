/** The connection in words: quiet as long as all is well, and never more than is true. Pure. */
import type { SessionView } from '../connect.ts';
import type { ResumeReceipt } from '../status.ts';
import type { StopReason } from '../stop-reason.ts';
import { gapTime } from './format.ts';

/** What the badge is told of a session. */
export type LinkView = Pick<
  SessionView<unknown>,
  'status' | 'unsaved' | 'unaccepted' | 'unkept' | 'receipt' | 'stopReason'
>;

export interface Badge {
  readonly tone: 'good' | 'busy' | 'bad';
  /** Changes with the state of things only: it is read out. */
  readonly label: string;
  /** Changes with every second; for the eyes. */
  readonly detail: string;
}

/** Why a ride cannot go on in this page, and what the rider may do about it. */
export interface StopNotice {
  readonly sentence: string;
  readonly offer: 'take-over' | 'take-control' | 'new-ride' | 'reload';
}

/** How a session came to be served: a receipt means something else each time. */
export type Occasion = 'begun' | 'taken-up' | 'back';

/** Commands that are on their way at any time: about one a second, saved every five seconds, and one round missed. */
const unsavedUsual = 12;
/** Commands are accepted within moments; a poor network may take some seconds. */
const unacceptedUsual = 4;
/** Commands on their way into this device's storage, which takes milliseconds. */
const unkeptUsual = 4;

const notices: Readonly<Partial<Record<StopReason, StopNotice>>> = {
  forbidden: { sentence: 'This device may not take up this ride any more.', offer: 'new-ride' },
  'unknown-session': {
    sentence: 'The service does not keep this ride any more.',
    offer: 'new-ride',
  },
  'session-gone': {
    sentence: 'The time of this ride is over: the service keeps it no more.',
    offer: 'new-ride',
  },
  'taken-over': { sentence: 'This ride goes on in another tab.', offer: 'take-over' },
  'page-too-old': {
    sentence: 'There is a newer version of this page, and this ride needs it.',
    offer: 'reload',
  },
};
/** Another device of the rider's has it; this one may have it back for the asking. */
export const elsewhereNotice: StopNotice = {
  sentence: 'This ride is ridden on another device.',
  offer: 'take-control',
};

const deletedNotice: StopNotice = {
  sentence: 'This ride was deleted together with its account.',
  offer: 'new-ride',
};
const otherNotice: StopNotice = {
  sentence: 'This page and the service do not understand each other.',
  offer: 'reload',
};

export function statusBadge(link: LinkView, isRiding: boolean): Badge {
  const { status, unaccepted, unkept, receipt } = link;
  switch (status) {
    case 'connected':
      return servedBadge(link);
    case 'moving':
      return { ...servedBadge(link), detail: 'moving to another server' };
    case 'reconnecting': {
      const label = receipt === undefined ? 'connecting…' : 'reconnecting…';
      return { tone: 'busy', label, detail: isRiding ? 'the ride goes on' : '' };
    }
    case 'offline': {
      if (unkept > unkeptUsual)
        return { tone: 'bad', label: 'offline, storage full', detail: 'only in this open page' };
      const detail = unaccepted === 0 ? '' : `${seconds(unaccepted)} to deliver`;
      return { tone: 'bad', label: isRiding ? 'riding offline' : 'offline', detail };
    }
    case 'stopped':
      return { tone: 'bad', label: 'not connected', detail: '' };
  }
}

function servedBadge({ unsaved, unaccepted }: LinkView): Badge {
  if (unaccepted > unacceptedUsual)
    return { tone: 'busy', label: 'kept here', detail: `${seconds(unaccepted)} to deliver` };
  if (unsaved > unsavedUsual)
    return { tone: 'busy', label: 'recorded', detail: `${seconds(unsaved)} not yet saved` };
  // Saving goes in rounds, so that a ride in progress is never saved to the last second; saying so is truer than a tick.
  const detail = unsaved === 0 ? '' : `last ${unsaved} s on the way`;
  return { tone: 'good', label: 'saved', detail };
}

/** What to tell once after a break; null when nobody has to know. */
export function receiptNote(receipt: ResumeReceipt, occasion: Occasion): string | null {
  const { gapMs, lost, result } = receipt;
  if (lost > 0) return `${opening(gapMs, occasion)}, ${seconds(lost)} could not be recovered`;
  if (occasion === 'begun') return null;
  if (result === 'rebuilt') return `${opening(gapMs, occasion)}, rebuilt with nothing lost`;
  return `${opening(gapMs, occasion)}, nothing lost`;
}

function opening(gapMs: number, occasion: Occasion): string {
  if (occasion !== 'back') return 'back in your ride';
  return gapMs === 0 ? 'moved to another server' : `back after ${gapTime(gapMs)}`;
}

/** Why the session has stopped in this page. */
export function stopNotice(
  reason: StopReason | undefined,
  result?: ResumeReceipt['result'],
): StopNotice {
  if (result === 'deleted') return deletedNotice;
  return (reason && notices[reason]) ?? otherNotice;
}

const seconds = (count: number): string => (count === 1 ? '1 second' : `${count} seconds`);
