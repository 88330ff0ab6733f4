/** When to reach for a device, and when to give a link up. Pure: what happened and the time in, what to do out. */

export type DeviceLink =
  | { readonly phase: 'connecting'; readonly attempt: number; readonly sinceMs: number }
  | { readonly phase: 'open'; readonly heardMs: number }
  /** Out of reach; the next attempt comes by itself. */
  | { readonly phase: 'waiting'; readonly attempt: number; readonly untilMs: number }
  | { readonly phase: 'closed' };

export type LinkInput =
  | 'opened'
  /** The link broke, or did not come about. */
  | 'broke'
  /** The device said something. */
  | 'heard'
  | 'tick'
  /** The rider wants it now. */
  | 'retry'
  | 'close';

export interface LinkStep {
  readonly link: DeviceLink;
  /** `connect` also gives up what went before. */
  readonly act: 'connect' | 'hang-up' | null;
}

/** The browser's attempt has no end of its own. A slow one has been seen to take some ten seconds. */
export const connectMaxMs = 15_000;
/** A link that says nothing for so long is dead, whatever the browser thinks. Devices report once a second. */
export const silentMaxMs = 12_000;
const retryDelaysMs: readonly number[] = [0, 1_000, 2_000, 4_000, 8_000];

/** The first attempt. */
export function firstLink(nowMs: number): LinkStep {
  return connecting(1, nowMs);
}

export function stepLink(link: DeviceLink, input: LinkInput, nowMs: number): LinkStep {
  if (link.phase === 'closed') return { link, act: null };
  switch (input) {
    case 'opened':
      return { link: { phase: 'open', heardMs: nowMs }, act: null };
    case 'broke':
      return waiting(link, nowMs);
    case 'heard':
      return { link: link.phase === 'open' ? { phase: 'open', heardMs: nowMs } : link, act: null };
    case 'retry':
      return link.phase === 'open' ? { link, act: null } : connecting(1, nowMs);
    case 'close':
      return { link: { phase: 'closed' }, act: 'hang-up' };
    case 'tick':
      return ticked(link, nowMs);
  }
}

function ticked(link: Exclude<DeviceLink, { phase: 'closed' }>, nowMs: number): LinkStep {
  switch (link.phase) {
    case 'connecting':
      return nowMs - link.sinceMs < connectMaxMs ? { link, act: null } : waiting(link, nowMs);
    case 'open':
      return nowMs - link.heardMs < silentMaxMs ? { link, act: null } : waiting(link, nowMs);
    case 'waiting':
      return nowMs < link.untilMs ? { link, act: null } : connecting(link.attempt + 1, nowMs);
  }
}

function connecting(attempt: number, nowMs: number): LinkStep {
  return { link: { phase: 'connecting', attempt, sinceMs: nowMs }, act: 'connect' };
}

function waiting(link: DeviceLink, nowMs: number): LinkStep {
  const attempt = link.phase === 'connecting' || link.phase === 'waiting' ? link.attempt : 0;
  const delayMs = retryDelaysMs[Math.min(attempt, retryDelaysMs.length - 1)] ?? 0;
  return { link: { phase: 'waiting', attempt, untilMs: nowMs + delayMs }, act: 'hang-up' };
}
