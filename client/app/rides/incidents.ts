/** What went wrong around a ride and how it went on: kept beside it, because its log knows nothing of the network. Pure. */
import * as v from 'valibot';

import type { ResumeReceipt } from '../../status.ts';

/** A break of the connection, or a page that was gone, once it was over. */
export interface Incident {
  /** When the session was served again, ms since the Unix epoch. */
  readonly atMs: number;
  /** How long it was not; 0 for a move without a break. */
  readonly gapMs: number;
  /** Commands given meanwhile that came through afterwards. */
  readonly resent: number;
  readonly lost: number;
  readonly kind: 'link' | 'page' | 'move' | 'rebuild' | 'begun';
}

export const incidentsSchema = v.array(
  v.object({
    atMs: v.number(),
    gapMs: v.number(),
    resent: v.number(),
    lost: v.number(),
    kind: v.picklist(['link', 'page', 'move', 'rebuild', 'begun']),
  }),
);

/** Of what takes longer to begin the rider has seen that there was no connection. */
const beginningUsualMs = 10_000;

/** What to keep of a receipt; null for the beginning of a ride, of which there is nothing to tell unless it was offline. */
export function incidentOf(
  { gapMs, resent, lost, result }: ResumeReceipt,
  occasion: 'begun' | 'taken-up' | 'back',
  atMs: number,
): Incident | null {
  if (occasion === 'begun' && gapMs < beginningUsualMs) return null;
  if (occasion === 'begun') return { atMs, gapMs, resent, lost, kind: 'begun' };
  const ofLink = gapMs === 0 ? 'move' : 'link';
  const kind = result === 'rebuilt' ? 'rebuild' : occasion === 'taken-up' ? 'page' : ofLink;
  return { atMs, gapMs, resent, lost, kind };
}
