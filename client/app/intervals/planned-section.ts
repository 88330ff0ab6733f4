/** The workouts of the rider's calendar at intervals.icu, read like any other file. */
import { readPlanFile } from '../../../shared/workout/plan-file.ts';
import type { Plan } from '../../../shared/workout/plan.ts';
import { element, setShown, setText } from '../dom.ts';
import { isoDay } from '../format.ts';
import { importSentence } from '../import-file.ts';
import { planCard } from '../plan-card.ts';
import type { IntervalsLink, PlannedWorkout } from './intervals-link.ts';
import { keptKey } from './kept-key.ts';
import { plannedDayText } from './sent-text.ts';

export interface PlannedSection {
  /** Hidden where no key is kept. */
  readonly root: HTMLElement;
  /** For another FTP. */
  deal(ftpW: number): void;
}

export interface PlannedSectionParts {
  readonly link: Pick<IntervalsLink, 'planned'>;
  readonly ftpW: number;
  readonly nowMs: () => number;
  readonly choose: (plan: Plan) => void;
}

const noFile = 'It has no intervals for a trainer.';

export function plannedSection(parts: PlannedSectionParts): PlannedSection {
  let { ftpW } = parts;
  let workouts: readonly PlannedWorkout[] = [];
  const told = element('p', { class: 'dim', role: 'status' });
  const cards = element('ul', { class: 'cards planned-cards' });
  const root = element('section', { class: 'planned-there', 'aria-labelledby': 'planned-there' }, [
    element('h2', { id: 'planned-there' }, ['Planned at intervals.icu']),
    told,
    cards,
  ]);
  const today = isoDay(parts.nowMs());
  const show = (): void =>
    cards.replaceChildren(
      ...workouts.map((workout) => {
        const day = plannedDayText(workout.day, today);
        return element('li', {}, [plannedCard(workout, { day, ftpW, choose: parts.choose })]);
      }),
    );
  const load = async (): Promise<void> => {
    const planned = await parts.link.planned();
    setShown(root, planned.kind !== 'none');
    if (planned.kind === 'trouble') setText(told, planned.sentence);
    if (planned.kind !== 'planned') return;
    workouts = planned.workouts;
    setText(told, workouts.length === 0 ? 'Nothing for the next days.' : '');
    show();
  };
  setShown(root, keptKey() !== null);
  setText(told, 'One moment…');
  if (keptKey() !== null) void load();
  return {
    root,
    deal: (next) => {
      ftpW = next;
      show();
    },
  };
}

/** What cannot be ridden is there all the same, with the importer's own sentence. */
function plannedCard(
  { name, file }: PlannedWorkout,
  more: {
    readonly day: string;
    readonly ftpW: number;
    readonly choose: PlannedSectionParts['choose'];
  },
): HTMLElement {
  const { day, ftpW, choose } = more;
  const dayLine = element('span', { class: 'card-day' }, [day]);
  const result = file === '' ? null : readPlanFile(file, ftpW);
  if (result?.ok === true) {
    const card = planCard(result.plan, ftpW, () => choose(result.plan));
    const remark = importSentence(result);
    card.prepend(dayLine);
    if (remark !== '') card.append(element('span', { class: 'card-remark' }, [remark]));
    return card;
  }
  return element('div', { class: 'card unfit' }, [
    dayLine,
    element('span', { class: 'card-name' }, [name || 'A workout']),
    element('span', { class: 'card-remark' }, [result === null ? noFile : result.problem]),
  ]);
}
