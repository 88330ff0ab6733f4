/** A session this device kept, in the eyes of a page whose session kind has another version than the page that kept it. */
import { genesis } from '../shared/session/fold.ts';
import type { AnyModel } from '../shared/session/session-model.ts';
import type { StoredSession } from './session-storage.ts';

export interface KeptSession {
  readonly session: StoredSession;
  /** False when there is no state to show before the server's snapshot. */
  readonly hasState: boolean;
}

/**
 * An older state is brought up to date. A newer one cannot be read: the service went back to an older release. Then the session
 * begins as it did at first, with its commands on top, until the server's snapshot comes; nothing is asked for after a position that
 * this page does not hold. The commands themselves stay: what the older kind does not know is refused on the server's log. [C7]
 */
export function readKept(session: StoredSession, model: AnyModel): KeptSession {
  const { snapshot } = session;
  const { kind, version } = model;
  if (snapshot.version === version) return { session, hasState: true };
  if (snapshot.version < version && model.upcast !== undefined) {
    const state = model.upcast(snapshot.state, snapshot.version);
    return { session: { ...session, snapshot: { ...snapshot, version, state } }, hasState: true };
  }
  const input = model.parseInput(session.input);
  const blank = { kind, version, offset: 0, writers: [], state: null };
  const start = input.ok ? genesis(model, input.value) : blank;
  return { session: { ...session, epoch: undefined, snapshot: start }, hasState: input.ok };
}
