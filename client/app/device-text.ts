/** How it stands with the rider's devices, in words. Pure. */
import type { WorkoutPhase } from '../../shared/workout/workout-state.ts';
import type { DeviceView, TrainerAbilities, TrainerView } from './trainer/trainer.ts';

export type DeviceOffer = 'reconnect' | 'choose-trainer' | 'choose-strap' | 'simulate';

export interface DevicePanel {
  /** One line, always there. */
  readonly line: string;
  /** What the rider should know or do; '' for nothing. */
  readonly note: string;
  readonly isUrgent: boolean;
  readonly offers: readonly DeviceOffer[];
}

export interface DevicePanelFacts {
  readonly trainer: TrainerView;
  readonly isSimulated: boolean;
  readonly hasBluetooth: boolean;
  readonly phase: WorkoutPhase;
  /** Without a plan. */
  readonly isFree: boolean;
}

const noBluetooth =
  'This browser lets no page reach a trainer. Chrome and Edge do, on computers and on Android; on an iPhone or iPad only ' +
  'browsers made for it, such as Bluefy. Here a simulated trainer rides.';
const simulated = 'A simulated trainer rides. Connect yours to ride yourself.';

export function devicePanel(facts: DevicePanelFacts): DevicePanel {
  const { trainer, phase } = facts;
  const line = [deviceText(trainer), trainer.strap === null ? '' : deviceText(trainer.strap)]
    .filter((text) => text !== '')
    .join(' · ');
  const isUrgent = trainer.link === 'lost' || trainer.link === 'absent';
  // While somebody rides and all is well there is nothing to tap, and nothing to be tapped by mistake.
  if (!isUrgent && phase !== 'ready') return { line, note: '', isUrgent, offers: [] };
  return { line, note: noteFor(facts), isUrgent, offers: offersFor(facts, isUrgent) };
}

function deviceText({ name, link }: DeviceView): string {
  switch (link) {
    case 'ready':
      return name;
    case 'connecting':
      return `${name}: connecting…`;
    case 'lost':
      return `${name}: out of reach`;
    case 'absent':
      return `${name}: not connected`;
  }
}

function noteFor(facts: DevicePanelFacts): string {
  const { trainer, isSimulated, hasBluetooth } = facts;
  if (isSimulated) return hasBluetooth ? simulated : noBluetooth;
  switch (trainer.link) {
    case 'lost':
      return `${trainer.name} is out of reach. Trying again and again…`;
    case 'absent':
      return hasBluetooth
        ? `${trainer.name} has to be connected again: the browser asks for your tap.`
        : noBluetooth.replace('Here a', 'A').replace('rides.', 'can ride here.');
    case 'connecting':
      return '';
    case 'ready':
      return abilityNote(trainer.name, trainer.abilities, facts.isFree);
  }
}

/** What the trainer cannot do of what this ride asks of one. */
function abilityNote(name: string, abilities: TrainerAbilities | null, isFree: boolean): string {
  if (abilities === null) return '';
  const { takesPower, takesGrade, levels } = abilities;
  if (!isFree)
    return takesPower
      ? ''
      : `${name} measures only. It is not braked: shift gears to meet the target.`;
  // It rides as it was begun: nothing is missed.
  if (takesGrade) return '';
  if (levels !== null) return `${name} takes a resistance level, and no grade.`;
  return takesPower
    ? `${name} takes neither a grade nor a resistance level: it holds an easy power.`
    : `${name} measures only: your ride is recorded, and nothing brakes it.`;
}

function offersFor(
  { trainer, isSimulated, hasBluetooth, phase }: DevicePanelFacts,
  isUrgent: boolean,
): readonly DeviceOffer[] {
  const offers: DeviceOffer[] = [];
  if (isUrgent && hasBluetooth) offers.push('reconnect');
  if (hasBluetooth && trainer.link !== 'absent') offers.push('choose-trainer');
  if (hasBluetooth && !isUrgent) offers.push('choose-strap');
  // Not in mid-ride: what it rides would stand in the record as ridden.
  if (!isSimulated && (phase === 'ready' || !hasBluetooth)) offers.push('simulate');
  return offers;
}
