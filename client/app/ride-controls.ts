/** The buttons of a ride. */
import type { Brake } from '../../shared/workout/brake.ts';
import type { WorkoutPhase } from '../../shared/workout/workout-state.ts';
import { confirmRow } from './confirm-row.ts';
import { button, element, setShown, setText } from './dom.ts';

export interface RideActions {
  /** Starts, pauses or resumes. */
  readonly toggle: () => void;
  /** So many steps harder, or easier below 0: whole percent of the plan's targets, or of a free ride's brake. */
  readonly adjust: (steps: number) => void;
  /** Between a grade and a resistance level, in a free ride. */
  readonly switchBrake: () => void;
  readonly skip: () => void;
  readonly lap: () => void;
  readonly finish: () => void;
  /** Back to the choice of workouts; the ride is forgotten on this device. */
  readonly leave: () => void;
}

export interface RideControls {
  readonly root: HTMLElement;
  /** `other`: how a free ride could be braked instead; null for no other way. */
  show(phase: WorkoutPhase, isStopped: boolean, other: Brake['kind'] | null): void;
  readonly askToFinish: () => void;
  /** Takes a question back. */
  readonly cancel: () => void;
}

const mainLabels: Readonly<Record<WorkoutPhase, string>> = {
  ready: 'Start',
  riding: 'Pause',
  paused: 'Resume',
  finished: 'Finished',
};

const brakeLabels: Readonly<Record<Brake['kind'], string>> = {
  none: '',
  grade: 'By grade',
  resistance: 'By resistance',
};

export function rideControls(actions: RideActions, isFree: boolean): RideControls {
  const mainLabel = element('span');
  const main = button(
    { class: 'primary', 'aria-keyshortcuts': 'Space' },
    [mainLabel, key('space')],
    () => actions.toggle(),
  );
  const skip = button({ 'aria-keyshortcuts': 'ArrowRight' }, ['Skip', key('→')], actions.skip);
  const brakeLabel = element('span');
  const change = button({ 'aria-keyshortcuts': 'M' }, [brakeLabel, key('M')], actions.switchBrake);
  setShown(change, false);
  const lap = button({ 'aria-keyshortcuts': 'L' }, ['Lap', key('L')], actions.lap);
  const finish = button({ 'aria-keyshortcuts': 'F' }, ['Finish', key('F')], () => askToFinish());
  const leave = button({ 'aria-label': 'Back to the workouts' }, ['Back'], actions.leave);
  const usual = element('div', { class: 'controls' }, [
    main,
    isFree ? change : skip,
    lap,
    finish,
    leave,
  ]);
  const confirm = confirmRow(usual, {
    yes: 'Finish',
    no: 'Keep riding',
    act: actions.finish,
  });
  const askToFinish = (): void => {
    if (!finish.hidden && !finish.disabled) confirm.ask('Finish this ride?');
  };
  const show: RideControls['show'] = (phase, isStopped, other) => {
    setText(mainLabel, mainLabels[phase]);
    const isReady = phase === 'ready';
    for (const inRide of [skip, lap, finish]) setShown(inRide, !isReady);
    setShown(leave, isReady);
    // Once there it stays: who has its focus would be thrown to the top of the page.
    if (other !== null) setShown(change, true);
    if (other !== null) setText(brakeLabel, brakeLabels[other]);
    for (const any of [main, skip, finish, leave]) any.disabled = isStopped;
    change.disabled = isStopped || other === null;
    lap.disabled = isStopped || phase !== 'riding';
    if (isStopped && confirm.isOpen()) confirm.close();
  };
  const root = element('div', {}, [usual, confirm.root]);
  return { root, show, askToFinish, cancel: confirm.close };
}

/** A shortcut on its button; the style sheet shows it where there is a keyboard. */
function key(name: string): HTMLElement {
  return element('kbd', { 'aria-hidden': 'true' }, [name]);
}
