/** The quiet line that says how the ride is kept. */
import { element, setText } from './dom.ts';
import { statusBadge, type LinkView } from './status-text.ts';

export interface StatusBadgeParts {
  readonly link: LinkView;
  readonly isRiding: boolean;
  /** Stands in for the detail while there is something to tell; '' for nothing. */
  readonly note: string;
}

export interface StatusBadge {
  readonly root: HTMLElement;
  show(parts: StatusBadgeParts): void;
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
  return {
    root,
    show: ({ link, isRiding, note }) => {
      const badge = statusBadge(link, isRiding);
      root.dataset['tone'] = badge.tone;
      setText(label, badge.label);
      setText(told, note);
      setText(detail, note === '' ? badge.detail : '');
    },
  };
}
