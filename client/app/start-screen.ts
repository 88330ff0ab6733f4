/** The choice of workouts. */
import { freeRidePlan, levelRoad, type Brake } from '../../shared/workout/brake.ts';
import { builtInPlans } from '../../shared/workout/built-in-plans.ts';
import type { Plan } from '../../shared/workout/plan.ts';
import { button, element, setText } from './dom.ts';
import { acceptDrops, importCard, importSentence, readFile } from './import-file.ts';
import type { IntervalsLink } from './intervals/intervals-link.ts';
import { plannedSection } from './intervals/planned-section.ts';
import type { KeptWorkout } from './library/kept-workout.ts';
import type { WorkoutLibrary } from './library/workout-library.ts';
import { freeRideCard, planCard } from './plan-card.ts';
import {
  ftpBounds,
  readWithin,
  rememberProfile,
  rememberedProfile,
} from './profile/rider-profile.ts';

export interface StartScreenParts {
  /** Begins the ride, with a brake a free one; one sentence when that did not work. */
  readonly choose: (plan: Plan, ftpW: number, brake?: Brake) => Promise<string | null>;
  /** The rider's own workouts. */
  readonly library: WorkoutLibrary;
  readonly intervals: IntervalsLink;
  readonly nowMs: () => number;
  /** What the rider should know beforehand; '' for nothing. */
  readonly notice: string;
  /** Where else to go from here. */
  readonly links: readonly StartLink[];
}

export interface StartLink {
  readonly label: string;
  readonly open: () => void;
}

export function startScreen(parts: StartScreenParts): HTMLElement {
  const { choose, library, intervals, nowMs, notice, links } = parts;
  let { ftpW } = rememberedProfile();
  const hint = element('p', { class: 'hint', role: 'status' }, [notice]);
  const cards = element('div', { class: 'cards' });
  const begin = async (plan: Plan, brake?: Brake): Promise<void> => {
    cards.inert = true;
    planned.root.inert = true;
    setText(hint, 'One moment…');
    const problem = await choose(plan, ftpW, brake);
    cards.inert = false;
    planned.root.inert = false;
    setText(hint, problem ?? '');
  };
  const planned = plannedSection({
    link: intervals,
    ftpW,
    nowMs,
    choose: (plan) => void begin(plan),
  });
  let own: readonly KeptWorkout[] = [];
  const take = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    const result = await readFile(file, ftpW);
    setText(hint, importSentence(result));
    if (!result.ok) return;
    await library.keep(result.plan);
    await show();
    cards.querySelector('button')?.focus();
    void deliver();
  };
  const importFile = importCard((file) => void take(file));
  const deal = (): void => {
    const plans = [...own, ...builtInPlans].map(({ plan }) => plan);
    const all = plans.map((plan) => planCard(plan, ftpW, () => void begin(plan)));
    const free = freeRideCard(() => void begin(freeRidePlan, levelRoad));
    cards.replaceChildren(...all, free, importFile);
  };
  /** What is as it was is left as it is, with the focus in it. */
  const show = async (): Promise<void> => {
    const listed = await library.list();
    if (JSON.stringify(listed.map(shape)) === JSON.stringify(own.map(shape))) return;
    own = listed;
    deal();
  };
  const deliver = async (): Promise<void> => {
    await library.sync();
    await show();
  };
  const ftp = ftpField(ftpW, (next) => {
    ftpW = next;
    deal();
    planned.deal(ftpW);
  });
  deal();
  void show().then(deliver);
  const root = element('main', { class: 'start' }, [bar(links, ftp), hint, planned.root, cards]);
  acceptDrops(root, (file) => void take(file));
  return root;
}

function bar(links: readonly StartLink[], ftp: HTMLElement): HTMLElement {
  return element('header', { class: 'bar' }, [
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
  ]);
}

const shape = ({ workoutId, plan }: KeptWorkout): readonly string[] => [workoutId, plan.name];

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
