/** One workout: what it asks for, and what can be done with it. */
import type { Plan, PlanSegment } from '../../../shared/workout/plan.ts';
import { confirmRow } from '../confirm-row.ts';
import { button, element, setText, showScreen } from '../dom.ts';
import { clockTime, dayAndTime } from '../format.ts';
import { nameForm } from '../name-form.ts';
import { planFigures, targetText } from '../plan-text.ts';
import { profilePicture } from '../profile-picture.ts';

export interface WorkoutScreenParts {
  readonly plan: Plan;
  readonly ftpW: number;
  /** Begins the ride; one sentence when that did not work. */
  readonly ride: () => Promise<string | null>;
  readonly leave: () => void;
  /** Absent for what comes with the app. */
  readonly own?: OwnWorkout;
  /** Takes what is planned elsewhere into the library. */
  readonly keep?: () => Promise<'kept' | 'known'>;
}

interface OwnWorkout {
  readonly keptAtMs: number;
  readonly rename: (name: string) => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** Rows of the table: what comes after them is said in a line. */
const rowCountMax = 60;

export function showWorkout(parts: WorkoutScreenParts): void {
  const { plan, ftpW, ride, leave, own, keep } = parts;
  const title = element('h1', {}, [plan.name]);
  const hint = element('p', { class: 'hint', role: 'status' });
  const begin = async (): Promise<void> => {
    usual.inert = true;
    setText(hint, 'One moment…');
    const problem = await ride();
    usual.inert = false;
    setText(hint, problem ?? '');
  };
  const usual = element('div', { class: 'controls' }, [
    button({ class: 'primary' }, ['Ride it'], () => void begin()),
    button({}, ['Back'], leave),
  ]);
  if (keep !== undefined)
    usual.append(
      button({}, ['Keep it'], () => {
        void keep().then((outcome) => setText(hint, keptTexts[outcome]));
      }),
    );
  const asked = own === undefined ? [] : changes(own, { usual, title, plan });
  const from = origin(parts);
  showScreen(
    element('main', { class: 'ride summary workout' }, [
      element('header', {}, [
        title,
        element('p', {}, [
          element('span', { class: 'card-figures' }, [planFigures(plan, ftpW)]),
          element('span', { class: 'dim' }, [` · ${from}`]),
        ]),
      ]),
      element('figure', { class: 'workout-picture' }, [profilePicture(plan)]),
      element('p', { class: 'workout-text' }, [plan.description]),
      segmentTable(plan.segments, ftpW),
      hint,
      element('div', {}, [usual, ...asked]),
    ]),
  );
}

const keptTexts = {
  kept: 'It is among your workouts now.',
  known: 'That workout is here already.',
};

function origin({ own, keep }: WorkoutScreenParts): string {
  if (keep !== undefined) return 'planned at intervals.icu';
  return own === undefined ? 'comes with the app' : `kept ${dayAndTime(own.keptAtMs)}`;
}

/** Rename and delete, each asked in the place of the buttons. */
function changes(
  { rename, remove }: OwnWorkout,
  {
    usual,
    title,
    plan,
  }: { readonly usual: HTMLElement; readonly title: HTMLElement; readonly plan: Plan },
): readonly HTMLElement[] {
  const confirm = confirmRow(usual, { yes: 'Delete it', no: 'Keep', act: () => void remove() });
  const naming = nameForm(usual, {
    label: 'Name of the workout',
    name: plan.name,
    rename: (name) => {
      setText(title, name);
      void rename(name);
    },
  });
  usual.append(
    button({}, ['Rename'], naming.open),
    button({}, ['Delete'], () => confirm.ask('Delete this workout on all your devices?')),
  );
  return [confirm.root, naming.root];
}

function segmentTable(segments: readonly PlanSegment[], ftpW: number): HTMLElement {
  const hasCadence = segments.some(({ cadenceRpm }) => cadenceRpm !== undefined);
  const titles = ['Interval', 'Time', 'Target', ...(hasCadence ? ['Cadence'] : [])];
  const rows = segments
    .slice(0, rowCountMax)
    .map((segment, index) =>
      row('td', [
        String(index + 1),
        clockTime(segment.durationS),
        targetText(segment, ftpW, 1),
        ...(hasCadence
          ? [segment.cadenceRpm === undefined ? '' : `${segment.cadenceRpm} rpm`]
          : []),
      ]),
    );
  const leftOut = segments.length - rows.length;
  const table = element('table', { class: 'intervals' }, [
    element('thead', {}, [row('th', titles)]),
    element('tbody', {}, rows),
  ]);
  const more = leftOut > 0 ? [element('p', { class: 'dim' }, [`And ${leftOut} more.`])] : [];
  // A narrow screen scrolls the table and not the page; the keyboard has to reach it for that.
  return element(
    'div',
    { class: 'wide', tabindex: '0', role: 'region', 'aria-label': 'Intervals' },
    [table, ...more],
  );
}

function row(cell: 'td' | 'th', texts: readonly string[]): HTMLElement {
  const scope = cell === 'th' ? { scope: 'col' } : {};
  return element(
    'tr',
    {},
    texts.map((text) => element(cell, scope, [text])),
  );
}
