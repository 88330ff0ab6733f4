/** A session in a React component: renders again when what it looks at has changed. */
import { useCallback, useRef, useSyncExternalStore } from 'react';

import type { AnyNamed } from '../shared/session/session-model.ts';
import type { LiveSession, SessionView } from './connect.ts';

/** The session's view: state, status, what is not saved yet. */
export function useSession<State, Command extends AnyNamed>(
  session: LiveSession<State, Command>,
): SessionView<State>;
/** A part of it: `useSession(ride, ({ state }) => state.phase)`. Renders when the part is another by `Object.is`. */
export function useSession<State, Command extends AnyNamed, Part>(
  session: LiveSession<State, Command>,
  select: (view: SessionView<State>) => Part,
): Part;
export function useSession<State, Command extends AnyNamed>(
  session: LiveSession<State, Command>,
  select: (view: SessionView<State>) => unknown = whole,
): unknown {
  // React asks more often than the view changes, and takes a part that is made anew each time for a change without end.
  const latest = useRef<{ view: SessionView<State>; select: typeof select; part: unknown }>(null);
  const part = (): unknown => {
    const view = session.view();
    const known = latest.current;
    if (known?.view !== view || known.select !== select)
      latest.current = { view, select, part: select(view) };
    return latest.current?.part;
  };
  const subscribe = useCallback((changed: () => void) => session.subscribe(changed), [session]);
  return useSyncExternalStore(subscribe, part, part);
}

const whole = <View>(view: View): View => view;
