/** The quiet line that says how the ride is kept. */
import { element, setText } from './dom.ts';
import { statusBadge, type Badge, type LinkView } from './status-text.ts';

export interface StatusBadgeParts {
  readonly link: LinkView;
  readonly isRiding: boolean;
  /** Stands in for the detail while there is something to tell; '' for nothing. */
  readonly note: string;
}

export interface StatusBadge {
  readonly root: HTMLElement;
  show(parts: StatusBadgeParts): void;
  /** For a screen that knows no more of the session than this. */
  say(badge: Badge): void;
}

export function makeStatusBadge(): StatusBadge {
  const label = element('span', { class: 'badge-label' });
  const told = element('span', { class: 'badge-note' });
  // The detail counts seconds: read out, it would never stop talking.
  const detail = element('span', { class: 'badge-detail', 'aria-hidden': 'true' });
  const root = element('div', { class: 'badge' }, [
    element('span', { class: 'badge-dot', 'aria-hidden': 'true' }),
    element('span', { role: 'status' }, [label, ' ', told]),
    detail,
  ]);
  const say = (badge: Badge, note = ''): void => {
    root.dataset['tone'] = badge.tone;
    setText(label, badge.label);
    setText(told, note);
    setText(detail, note === '' ? badge.detail : '');
  };
  return {
    root,
    show: ({ link, isRiding, note }) => say(statusBadge(link, isRiding), note),
    say: (badge) => say(badge),
  };
}
