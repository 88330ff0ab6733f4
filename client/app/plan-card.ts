/** A workout as a card to be chosen. */
import { freeRidePlan } from '../../shared/workout/brake.ts';
import type { Plan } from '../../shared/workout/plan.ts';
import { button, element } from './dom.ts';
import { planFigures } from './plan-text.ts';
import { profilePicture, roadPicture } from './profile-picture.ts';

export function planCard(plan: Plan, ftpW: number, choose: () => void): HTMLElement {
  return button(
    { class: 'card' },
    [
      profilePicture(plan),
      element('span', { class: 'card-name' }, [plan.name]),
      element('span', { class: 'card-figures' }, [planFigures(plan, ftpW)]),
      element('span', { class: 'card-text' }, [plan.description]),
    ],
    choose,
  );
}

/** Beside the workouts: a ride that no plan leads. */
export function freeRideCard(choose: () => void): HTMLElement {
  return button(
    { class: 'card' },
    [
      roadPicture(),
      element('span', { class: 'card-name' }, [freeRidePlan.name]),
      element('span', { class: 'card-figures' }, ['as long as you like']),
      element('span', { class: 'card-text' }, [freeRidePlan.description]),
    ],
    choose,
  );
}
