/** The screen of a ride: large enough to be read with sweat in the eyes. */
import type { WorkoutState } from '../../shared/workout/workout-state.ts';
import { otherBrake } from './brake-steps.ts';
import { button, element, setShown, setText } from './dom.ts';
import { joint, nothing } from './format.ts';
import type { LoadFigure } from './load-figures.ts';
import { profileGraph } from './profile-picture.ts';
import { rideControls, type RideActions } from './ride-controls.ts';
import { rideFigures, type RideFigures } from './ride-figures.ts';
import type { RideFrame } from './ride-loop.ts';
import { largeStep } from './shortcuts.ts';
import type { TrainerAbilities } from './trainer/trainer.ts';

export interface RideScreen {
  readonly root: HTMLElement;
  /** `abilities`: of the trainer ridden with; null while nobody knows. */
  show(frame: RideFrame, note: string, abilities: TrainerAbilities | null): void;
  readonly askToFinish: () => void;
  readonly cancel: () => void;
}

export interface RideScreenParts {
  readonly state: WorkoutState;
  /** Below the title: what is ridden with, or who rides. */
  readonly line: HTMLElement;
  /** Above and below the title: where the ride is kept, and why it stopped. */
  readonly badge: HTMLElement;
  readonly banner: HTMLElement;
  /** What there is to do above the numbers, and below them. */
  readonly panel: HTMLElement;
  /** Null on a screen that only shows. */
  readonly actions: RideActions | null;
}

export function rideScreen(parts: RideScreenParts): RideScreen {
  const { state, line, panel, badge, banner, actions } = parts;
  const message = element('p', { class: 'message', 'aria-live': 'polite' });
  const numbers = bigNumbers(message);
  const isFree = state.brake !== undefined;
  const small = isFree ? freeNumbers(actions) : smallNumbers(actions);
  const load = loadNumbers();
  const graph = profileGraph(state);
  const controls = actions && rideControls(actions, isFree);
  const root = element('main', { class: 'ride' }, [
    element('header', { class: 'bar' }, [
      element('div', { class: 'title' }, [element('h1', {}, [state.plan.name]), line]),
      badge,
    ]),
    banner,
    panel,
    numbers.root,
    graph.root,
    small.root,
    element('div', { class: 'foot' }, [load.root, ...(controls === null ? [] : [controls.root])]),
  ]);
  const show: RideScreen['show'] = ({ view, samples, nowMs, isElsewhere }, note, abilities) => {
    const figures = rideFigures(view.state, samples, nowMs);
    root.toggleAttribute('data-stopped', view.status === 'stopped');
    numbers.show(figures);
    small.show(figures);
    load.show(figures);
    setText(message, note === '' ? figures.message : note);
    graph.show(view.state, figures.positionS);
    const { brake, phase } = view.state;
    const other = brake === undefined ? null : otherBrake(brake, abilities);
    controls?.show(phase, view.status === 'stopped' || isElsewhere, other?.kind ?? null);
  };
  return {
    root,
    show,
    askToFinish: () => controls?.askToFinish(),
    cancel: () => controls?.cancel(),
  };
}

interface Numbers {
  readonly root: HTMLElement;
  show(figures: RideFigures): void;
}

function bigNumbers(message: HTMLElement): Numbers {
  const target = number('target', 'Target', 'W');
  target.root.setAttribute('aria-atomic', 'true');
  const power = number('power', 'Power', 'W');
  const interval = number('interval', 'Interval', '');
  const next = element('p', { class: 'next' });
  return {
    root: element('section', { class: 'big', 'aria-label': 'Now' }, [
      target.root,
      power.root,
      interval.root,
      message,
      next,
    ]),
    show: (figures) => {
      setText(target.label, figures.target.name);
      setText(target.value, figures.target.value);
      setText(target.unit, figures.target.unit);
      // A brake changes when the rider sets it, with a finger on another button; what changes by itself would be read out all the time.
      target.root.setAttribute('aria-live', figures.isBraked ? 'polite' : 'off');
      setText(power.value, figures.power);
      setText(interval.label, figures.interval);
      setText(interval.value, figures.countdown);
      // An hour and more needs room, and is no news from one second to the next.
      interval.root.toggleAttribute('data-long', figures.countdown.length > 5);
      setText(next, figures.next);
    },
  };
}

function smallNumbers(actions: RideActions | null): Numbers {
  const elapsed = number('elapsed', 'Elapsed', '');
  const remaining = number('remaining', 'To go', '');
  const cadence = number('cadence', 'Cadence', 'rpm');
  const heart = number('heart', 'Heart rate', 'bpm');
  const intensity = number('intensity', 'Intensity', '');
  if (actions !== null) addSteps(intensity, actions, 'intensity');
  const planned = element('span', { class: 'planned' });
  cadence.label.after(planned);
  const all = [elapsed, remaining, cadence, heart, intensity];
  return {
    root: element(
      'section',
      { class: 'small', 'aria-label': 'Ride so far' },
      all.map(({ root }) => root),
    ),
    show: (figures) => {
      setText(elapsed.value, figures.elapsed);
      setText(remaining.value, figures.remaining);
      setText(cadence.value, figures.cadence);
      setText(planned, figures.plannedCadence);
      setText(heart.value, figures.heartRate);
      setText(intensity.value, figures.intensity);
    },
  };
}

/** Of a ride without a plan: nothing to go, and the steps of its brake, whose value is the large number. */
function freeNumbers(actions: RideActions | null): Numbers {
  const elapsed = number('elapsed', 'Elapsed', '');
  const cadence = number('cadence', 'Cadence', 'rpm');
  const heart = number('heart', 'Heart rate', 'bpm');
  const brake = number('brake', '', '');
  if (actions !== null) addSteps(brake, actions, 'brake');
  const all = actions === null ? [elapsed, cadence, heart] : [elapsed, cadence, heart, brake];
  return {
    root: element(
      'section',
      { class: 'small', 'aria-label': 'Ride so far' },
      all.map(({ root }) => root),
    ),
    show: ({ target, ...figures }) => {
      setText(elapsed.value, figures.elapsed);
      setText(cadence.value, figures.cadence);
      setText(heart.value, figures.heartRate);
      setText(brake.label, target.name);
      setShown(brake.root, figures.isBraked);
    },
  };
}

/** For between two intervals: smaller than all that is looked at while it hurts. */
function loadNumbers(): Numbers {
  const values = new Map<string, HTMLElement>();
  const root = element('dl', { class: 'load', 'aria-label': 'How hard it is so far' });
  const add = ({ name, hint }: LoadFigure): HTMLElement => {
    const value = element('dd', { 'data-load': name });
    root.append(element('div', {}, [element('dt', { title: hint }, [name]), value]));
    values.set(name, value);
    return value;
  };
  return {
    root,
    show: ({ load }) => {
      setShown(root, load.length > 0);
      for (const figure of load) {
        const { name, value, unit } = figure;
        const tail = value === nothing || unit === '' ? '' : `${joint}${unit}`;
        setText(values.get(name) ?? add(figure), `${value}${tail}`);
      }
    },
  };
}

function addSteps({ label, value }: NumberBox, { adjust }: RideActions, of: string): void {
  const step = (steps: number) => (event: MouseEvent) =>
    adjust(event.shiftKey ? steps * largeStep : steps);
  const less = { class: 'step', 'aria-label': `Less ${of}`, 'aria-keyshortcuts': 'ArrowDown' };
  const more = { class: 'step', 'aria-label': `More ${of}`, 'aria-keyshortcuts': 'ArrowUp' };
  value.before(button(less, ['−'], step(-1)));
  value.after(button(more, ['+'], step(1)));
  label.after(element('kbd', { 'aria-hidden': 'true' }, ['↑ ↓']));
}

interface NumberBox {
  readonly root: HTMLElement;
  readonly label: HTMLElement;
  readonly value: HTMLElement;
  readonly unit: HTMLElement;
}

function number(name: string, title: string, unitText: string): NumberBox {
  const label = element('span', { class: 'label' }, [title]);
  const value = element('span', { class: 'value' });
  const unit = element('span', { class: 'unit' }, [unitText]);
  const line = element('p', { class: 'line' }, unitText === '' ? [value] : [value, unit]);
  const root = element('div', { class: `number ${name}`, 'data-number': name }, [
    element('p', { class: 'caption' }, [label]),
    line,
  ]);
  return { root, label, value, unit };
}
