/** A workout as a card to be chosen. */
import type { Plan } from '../../shared/workout/plan.ts';
import { button, element } from './dom.ts';
import { planFigures } from './plan-text.ts';
import { profilePicture } from './profile-picture.ts';

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
