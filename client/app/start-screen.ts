/** The choice of workouts. */
import { builtInPlans } from '../../shared/workout/built-in-plans.ts';
import { fileCharsMax, tooLarge, type ImportResult } from '../../shared/workout/imported-plan.ts';
import { planFileNames, readPlanFile } from '../../shared/workout/plan-file.ts';
import type { Plan } from '../../shared/workout/plan.ts';
import { button, element, setText } from './dom.ts';
import { planFigures } from './plan-text.ts';
import { profilePicture } from './profile-picture.ts';
import {
  ftpBounds,
  readWithin,
  rememberProfile,
  rememberedProfile,
} from './profile/rider-profile.ts';

export interface StartScreenParts {
  /** Begins the ride; one sentence when that did not work. */
  readonly choose: (plan: Plan, ftpW: number) => Promise<string | null>;
  /** What the rider should know beforehand; '' for nothing. */
  readonly notice: string;
  /** Where else to go from here. */
  readonly links: readonly StartLink[];
}

export interface StartLink {
  readonly label: string;
  readonly open: () => void;
}

export function startScreen({ choose, notice, links }: StartScreenParts): HTMLElement {
  let { ftpW } = rememberedProfile();
  const hint = element('p', { class: 'hint', role: 'status' }, [notice]);
  const cards = element('div', { class: 'cards' });
  const begin = async (plan: Plan): Promise<void> => {
    cards.inert = true;
    setText(hint, 'One moment…');
    const problem = await choose(plan, ftpW);
    cards.inert = false;
    setText(hint, problem ?? '');
  };
  const imported: Plan[] = [];
  const take = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    const result = await readFile(file, ftpW);
    setText(hint, importSentence(result));
    if (!result.ok) return;
    imported.unshift(result.plan);
    deal();
    cards.querySelector('button')?.focus();
  };
  const importFile = importCard((file) => void take(file));
  const deal = (): void => {
    const plans = [...imported, ...builtInPlans.map(({ plan }) => plan)];
    const all = plans.map((plan) => planCard(plan, ftpW, () => void begin(plan)));
    cards.replaceChildren(...all, importFile);
  };
  const ftp = ftpField(ftpW, (next) => {
    ftpW = next;
    deal();
  });
  deal();
  const root = element('main', { class: 'start' }, [
    element('header', { class: 'bar' }, [
      element('div', { class: 'title' }, [
        element('p', { class: 'wordmark' }, ['Trackstand']),
        element('h1', {}, ['What do you ride today?']),
        element(
          'nav',
          { class: 'links', 'aria-label': 'Yours' },
          links.map(({ label, open }) => button({}, [label], open)),
        ),
      ]),
      ftp,
    ]),
    hint,
    cards,
  ]);
  acceptDrops(root, (file) => void take(file));
  return root;
}

function planCard(plan: Plan, ftpW: number, ride: () => void): HTMLElement {
  return button(
    { class: 'card' },
    [
      profilePicture(plan),
      element('span', { class: 'card-name' }, [plan.name]),
      element('span', { class: 'card-figures' }, [planFigures(plan, ftpW)]),
      element('span', { class: 'card-text' }, [plan.description]),
    ],
    ride,
  );
}

function ftpField(ftpW: number, changed: (ftpW: number) => void): HTMLElement {
  const input = element('input', {
    type: 'number',
    id: 'ftp',
    inputmode: 'numeric',
    min: String(ftpBounds.min),
    max: String(ftpBounds.max),
    value: String(ftpW),
    'aria-describedby': 'ftp-help',
  });
  input.addEventListener('input', () => {
    const next = readWithin(input.value, ftpBounds);
    input.setAttribute('aria-invalid', String(next === null));
    if (next === null) return;
    rememberProfile({ ...rememberedProfile(), ftpW: next });
    changed(next);
  });
  return element('div', { class: 'ftp' }, [
    element('label', { for: 'ftp' }, ['Your FTP']),
    element('span', { class: 'ftp-value' }, [input, element('span', { class: 'unit' }, ['W'])]),
    element('p', { class: 'dim', id: 'ftp-help' }, ['The power you can hold for an hour.']),
  ]);
}

/** A label around its file input: a tap and the keyboard come here; a file may be dropped anywhere. */
function importCard(take: (file: File | undefined) => void): HTMLElement {
  const input = element('input', { type: 'file', accept: planFileNames, class: 'visually-hidden' });
  input.addEventListener('change', () => {
    take(input.files?.[0]);
    // The same file may be chosen again after it was mended.
    input.value = '';
  });
  return element('label', { class: 'card import' }, [
    input,
    element('span', { class: 'card-name' }, ['Your own workout']),
    element('span', { class: 'card-text' }, [
      'Drop a .zwo, .mrc or .erg file here, or choose one.',
    ]),
  ]);
}

function acceptDrops(place: HTMLElement, take: (file: File | undefined) => void): void {
  place.addEventListener('dragover', (event) => {
    event.preventDefault();
    place.classList.add('over');
  });
  place.addEventListener('dragleave', () => place.classList.remove('over'));
  place.addEventListener('drop', (event) => {
    event.preventDefault();
    place.classList.remove('over');
    take(event.dataTransfer?.files[0]);
  });
}

async function readFile(file: File, ftpW: number): Promise<ImportResult> {
  // Bytes are no fewer than characters: what is too large is not even read.
  if (file.size > fileCharsMax * 3) return { ok: false, problem: tooLarge };
  try {
    return readPlanFile(await file.text(), ftpW);
  } catch {
    return { ok: false, problem: 'The file cannot be read.' };
  }
}

/** What came of an import, in one sentence. */
function importSentence(result: ImportResult): string {
  if (!result.ok) return result.problem;
  const [first, ...others] = result.warnings;
  if (first === undefined) return '';
  const count = others.length;
  const more = count === 0 ? '' : ` (and ${count} more ${count === 1 ? 'remark' : 'remarks'})`;
  return `Imported, with a remark: ${first.replace(/\.$/, '')}${more}.`;
}
