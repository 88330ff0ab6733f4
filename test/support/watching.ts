/** Waiting for what a session shows, instead of for time to pass. */
import type { SessionView } from '../../client/connect.ts';

/** The part of a session that is watched. */
export interface Watched<State> {
  subscribe(listener: (view: SessionView<State>) => void): () => void;
}

/** The first view for which that is true. */
export function when<State>(
  session: Watched<State>,
  is: (view: SessionView<State>) => boolean,
): Promise<SessionView<State>> {
  return new Promise((resolve) => {
    const stop = session.subscribe((view) => {
      if (!is(view)) return;
      queueMicrotask(() => stop());
      resolve(view);
    });
  });
}

export const isSaved = ({ status, unsaved }: SessionView<unknown>): boolean =>
  status === 'connected' && unsaved === 0;

export const isAccepted = ({ status, unaccepted }: SessionView<unknown>): boolean =>
  status === 'connected' && unaccepted === 0;
