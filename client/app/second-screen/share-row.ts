/** The rider's side of the second screen: give the link out, copy it, take it back. */
import type { WorkoutPhase } from '../../../shared/workout/workout-state.ts';
import type { StoredSession } from '../../session-storage.ts';
import { button, element, setShown, setText } from '../dom.ts';
import {
  addressOf,
  giveLinkOut,
  rememberedLink,
  rememberLink,
  takeLinkBack,
} from './reader-link.ts';

export interface ShareRow {
  readonly root: HTMLElement;
  show(phase: WorkoutPhase): void;
}

/** `rider`: what this device may do with the session, as its storage knows it. */
export function shareRow(
  sessionId: string,
  rider: () => Promise<StoredSession | undefined>,
): ShareRow {
  let link = rememberedLink(sessionId);
  const note = element('p', { role: 'status' });
  const field = element('input', { readonly: '', 'aria-label': 'Link for a second screen' });
  const change = async (next: (known: StoredSession) => Promise<typeof link>): Promise<void> => {
    try {
      const known = await rider();
      if (known === undefined) return;
      link = await next(known);
      rememberLink(link);
      setText(note, link === null ? 'Nobody can look by that link any more.' : '');
    } catch (error) {
      setText(note, error instanceof Error ? error.message : String(error));
    }
    update();
  };
  const share = button({}, ['Second screen'], () => void change(giveLinkOut));
  const copy = button({}, ['Copy'], () => {
    field.select();
    void navigator.clipboard
      ?.writeText(field.value)
      .then(() => setText(note, 'Copied.'))
      // The text is selected: it can be copied by hand.
      .catch(() => {});
  });
  const end = button({}, ['Take the link back'], () => {
    const given = link;
    if (given !== null)
      void change(async (known) => {
        await takeLinkBack(known, given);
        return null;
      });
  });
  const open = element('div', { class: 'shared' }, [field, copy, end]);
  const root = element('section', { class: 'share', 'aria-label': 'Second screen' }, [
    share,
    open,
    note,
  ]);
  const update = (): void => {
    setShown(share, link === null);
    setShown(open, link !== null);
    field.value = link === null ? '' : addressOf(link, location.origin + location.pathname);
  };
  update();
  return {
    root,
    // While somebody rides there is nothing to be tapped by mistake.
    show: (phase) => setShown(root, phase === 'ready' || phase === 'paused'),
  };
}
