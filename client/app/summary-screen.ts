/** The ride in numbers, once it is over. */
import type { WorkoutState } from '../../shared/workout/workout-state.ts';
import { laps, planPositionS, summary } from '../../shared/workout/workout-view.ts';
import { confirmRow } from './confirm-row.ts';
import { button, element } from './dom.ts';
import { clockTime, nothing, whole, withUnit } from './format.ts';
import { loadFigures } from './load-figures.ts';
import { profileGraph } from './profile-picture.ts';

export interface SummaryParts {
  readonly state: WorkoutState;
  readonly badge: HTMLElement;
  readonly banner: HTMLElement;
  /** What else is told of it; comes when it is ready. */
  readonly report: HTMLElement;
  /** Commands that would be gone with this device's copy. */
  readonly unsaved: () => number;
  /** Forgets the ride here and goes back to the choice of workouts. */
  readonly leave: () => void;
}

export function summaryScreen(parts: SummaryParts): HTMLElement {
  const { state, badge, banner, report, unsaved, leave } = parts;
  const graph = profileGraph(state);
  graph.show(state, planPositionS(state, state.lastMs));
  const newRide = button({ class: 'primary' }, ['New ride'], () => {
    if (unsaved() === 0) leave();
    else confirm.ask('The end of this ride is not saved yet. Start a new one all the same?');
  });
  const usual = element('div', { class: 'controls' }, [newRide]);
  const confirm = confirmRow(usual, { yes: 'New ride', no: 'Wait', act: leave });
  return element('main', { class: 'ride summary' }, [
    element('header', { class: 'bar' }, [
      element('div', { class: 'title' }, [
        element('h1', {}, ['Well ridden']),
        element('p', { class: 'dim' }, [state.plan.name]),
      ]),
      badge,
    ]),
    banner,
    rideFiguresList(state),
    graph.root,
    lapTable(state),
    report,
    element('div', {}, [usual, confirm.root]),
  ]);
}

interface Figure {
  readonly name: string;
  readonly value: string;
  readonly unit?: string;
  readonly hint?: string;
}

/** The ride's numbers. */
export function rideFiguresList(state: WorkoutState): HTMLElement {
  const pairs = figuresOf(state).map(({ name, value, unit = '', hint }) => {
    const term = element('dt', hint === undefined ? {} : { title: hint }, [name]);
    const isKnown = value !== nothing && unit !== '';
    const tail = isKnown ? [element('span', { class: 'unit' }, [unit])] : [];
    return element('div', {}, [term, element('dd', {}, [value, ...tail])]);
  });
  return element('dl', { class: 'figures' }, pairs);
}

function figuresOf(state: WorkoutState): readonly Figure[] {
  const ridden = summary(state);
  return [
    { name: 'Time', value: clockTime(ridden.ridingS) },
    { name: 'Average', value: whole(ridden.averageW), unit: 'W' },
    ...loadFigures(ridden),
    { name: 'Highest', value: whole(ridden.maxW), unit: 'W' },
    { name: 'Heart rate', value: whole(ridden.averageHeartRateBpm), unit: 'bpm' },
    { name: 'Cadence', value: whole(ridden.averageCadenceRpm), unit: 'rpm' },
  ];
}

/** One lap is the ride itself and says nothing new. */
function lapTable(state: WorkoutState): HTMLElement {
  const ridden = laps(state);
  if (ridden.length < 2) return element('div');
  const rows = ridden.map(({ startS, endS, averageW }, index) =>
    row('td', [String(index + 1), clockTime(endS - startS), withUnit(averageW, 'W')]),
  );
  return element('table', { class: 'laps' }, [
    element('thead', {}, [row('th', ['Lap', 'Time', 'Average'])]),
    element('tbody', {}, rows),
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
