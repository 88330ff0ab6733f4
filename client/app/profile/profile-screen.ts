/** The rider's FTP, weight and zones, and their key for intervals.icu. */
import { button, element, setText, showScreen } from '../dom.ts';
import type { IntervalsLink } from '../intervals/intervals-link.ts';
import { keySection } from '../intervals/key-section.ts';
import {
  ftpBounds,
  readWithin,
  rememberProfile,
  rememberedProfile,
  weightBounds,
} from './rider-profile.ts';
import { zoneTable } from './zone-table.ts';

export interface ProfileScreenParts {
  readonly intervals: IntervalsLink;
  readonly leave: () => void;
}

export function showProfile({ intervals, leave }: ProfileScreenParts): void {
  let profile = rememberedProfile();
  const zones = element('tbody');
  const share = element('p', { class: 'dim', role: 'status' });
  const show = (): void => {
    const { ftpW, weightKg } = profile;
    zones.replaceChildren(
      ...zoneTable(ftpW).map(({ zone, name, fromW, toW }) =>
        row('td', [
          `${zone}`,
          name,
          toW === null ? `from ${fromW} W` : fromW === 0 ? `to ${toW} W` : `${fromW} to ${toW} W`,
        ]),
      ),
    );
    setText(share, weightKg === null ? '' : `${(ftpW / weightKg).toFixed(1)} W/kg at FTP`);
  };
  const change = (part: Partial<typeof profile>): void => {
    profile = { ...profile, ...part };
    rememberProfile(profile);
    show();
  };
  const ftp = numberField('FTP', 'W', ftpBounds, String(profile.ftpW), (text) => {
    const ftpW = readWithin(text, ftpBounds);
    if (ftpW !== null) change({ ftpW });
    return ftpW !== null;
  });
  const weight = numberField('Weight', 'kg', weightBounds, `${profile.weightKg ?? ''}`, (text) => {
    const weightKg = readWithin(text, weightBounds);
    if (weightKg !== null || text.trim() === '') change({ weightKg });
    return weightKg !== null || text.trim() === '';
  });
  show();
  showScreen(
    element('main', { class: 'ride' }, [
      element('h1', {}, ['Your profile']),
      element('p', { class: 'dim' }, ['Kept on this device. A ride keeps the FTP it began with.']),
      element('div', { class: 'fields' }, [ftp, weight]),
      share,
      element('table', { class: 'laps' }, [
        element('caption', {}, ['Your zones']),
        element('thead', {}, [row('th', ['Zone', 'Name', 'Power'])]),
        zones,
      ]),
      keySection(intervals),
      element('div', { class: 'controls' }, [button({ class: 'primary' }, ['Back'], leave)]),
    ]),
  );
}

/** `take` says whether the text is a value. */
function numberField(
  ...[label, unit, { min, max }, value, take]: readonly [
    string,
    string,
    { readonly min: number; readonly max: number },
    string,
    (text: string) => boolean,
  ]
): HTMLElement {
  const id = `profile-${label.toLowerCase()}`;
  const input = element('input', {
    id,
    type: 'number',
    inputmode: 'numeric',
    min: String(min),
    max: String(max),
    value,
  });
  input.addEventListener('input', () =>
    input.setAttribute('aria-invalid', String(!take(input.value))),
  );
  return element('div', { class: 'ftp' }, [
    element('label', { for: id }, [label]),
    element('span', { class: 'ftp-value' }, [input, element('span', { class: 'unit' }, [unit])]),
  ]);
}

function row(cell: 'td' | 'th', texts: readonly string[]): HTMLElement {
  const scope = cell === 'th' ? { scope: 'col' } : {};
  return element(
    'tr',
    {},
    texts.map((text) => element(cell, scope, [text])),
  );
}
