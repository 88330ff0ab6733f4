/** The rider's own workouts, and those that come with the app. */
import { builtInPlans } from '../../../shared/workout/built-in-plans.ts';
import type { Plan } from '../../../shared/workout/plan.ts';
import { button, element, setText, showScreen } from '../dom.ts';
import { acceptDrops, importCard, importSentence, readFile } from '../import-file.ts';
import type { IntervalsLink } from '../intervals/intervals-link.ts';
import { plannedSection } from '../intervals/planned-section.ts';
import { planCard } from '../plan-card.ts';
import type { RiderProfile } from '../profile/rider-profile.ts';
import type { KeptWorkout } from './kept-workout.ts';
import type { Synced, WorkoutLibrary } from './workout-library.ts';
import { showWorkout } from './workout-screen.ts';

export interface LibraryScreenParts {
  readonly library: WorkoutLibrary;
  readonly intervals: IntervalsLink;
  readonly nowMs: () => number;
  readonly profile: () => RiderProfile;
  /** Begins the ride; one sentence when that did not work. */
  readonly ride: (plan: Plan, ftpW: number) => Promise<string | null>;
  readonly leave: () => void;
}

export function showLibrary(parts: LibraryScreenParts): void {
  const { library, profile, ride, leave } = parts;
  const { ftpW } = profile();
  const back = (): void => showLibrary(parts);
  const told = element('p', { class: 'dim', role: 'status' });
  const hint = element('p', { class: 'hint', role: 'status' });
  const own = element('ul', { class: 'rides' });
  const open = (plan: Plan, kept?: KeptWorkout): void => {
    let given = plan;
    const rename = async (workoutId: string, name: string): Promise<void> => {
      await library.rename(workoutId, name);
      given = { ...given, name };
      await deliver();
    };
    showWorkout({
      plan,
      ftpW,
      ride: () => ride(given, ftpW),
      leave: back,
      ...(kept && {
        own: {
          keptAtMs: kept.keptAtMs,
          rename: (name) => rename(kept.workoutId, name),
          remove: () => library.remove(kept.workoutId).then(back),
        },
      }),
    });
  };
  const card = (plan: Plan, kept?: KeptWorkout): HTMLElement =>
    element('li', {}, [planCard(plan, ftpW, () => open(plan, kept))]);
  const take = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    const result = await readFile(file, ftpW);
    setText(hint, importSentence(result));
    if (!result.ok) return;
    if ((await library.keep(result.plan)) === 'known')
      setText(hint, 'That workout is here already.');
    await show();
    void deliver();
  };
  const importFile = element('li', { class: 'all' }, [importCard((file) => void take(file))]);
  let shown: string | undefined;
  /** What is as it was is left as it is, with the focus in it. */
  const show = async (): Promise<void> => {
    const workouts = await library.list();
    const shape = JSON.stringify(workouts.map(({ workoutId, plan }) => [workoutId, plan.name]));
    if (shape === shown) return;
    shown = shape;
    own.replaceChildren(...workouts.map((kept) => card(kept.plan, kept)), importFile);
  };
  const deliver = async (): Promise<void> => {
    setText(told, sentenceOf(await library.sync()));
    if (own.isConnected) await show();
  };
  const root = element('main', { class: 'ride workouts' }, [
    element('header', {}, [element('h1', {}, ['Your workouts']), told]),
    hint,
    plannedOf(parts, back),
    own,
    element('h2', {}, ['They come with the app']),
    element(
      'ul',
      { class: 'rides' },
      builtInPlans.map(({ plan }) => card(plan)),
    ),
    element('div', { class: 'controls' }, [button({ class: 'primary' }, ['Back'], leave)]),
  ]);
  acceptDrops(root, (file) => void take(file));
  showScreen(root);
  void show().then(deliver);
}

/** What is planned elsewhere is looked at, ridden, or kept. */
function plannedOf(parts: LibraryScreenParts, back: () => void): HTMLElement {
  const { library, intervals: link, nowMs, profile, ride } = parts;
  const { ftpW } = profile();
  const choose = (plan: Plan): void =>
    showWorkout({
      plan,
      ftpW,
      ride: () => ride(plan, ftpW),
      leave: back,
      keep: () => library.keep(plan),
    });
  return plannedSection({ link, ftpW, nowMs, choose }).root;
}

function sentenceOf(synced: Synced): string {
  switch (synced.kind) {
    case 'alone':
      return 'Kept on this device. Sign in, and they are on all of yours.';
    case 'unreachable':
      return 'The service cannot be reached: this is what this device has.';
    case 'later':
      return 'Your account takes no more changes just now: the rest follows in a while.';
    case 'synced':
      return synced.leftOut === 0
        ? 'In your account: the same on every device.'
        : `Your account takes no more: ${leftOutText(synced.leftOut)} on this device alone.`;
  }
}

const leftOutText = (count: number): string =>
  count === 1 ? '1 workout is' : `${count} workouts are`;
