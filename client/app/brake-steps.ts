/** What a rider's steps make of the brake of a free ride, within what the trainer takes. Pure. */
import { gradeBounds, levelMax, levelRoad, type Brake } from '../../shared/workout/brake.ts';
import { joint, type FigureText } from './format.ts';
import { settableLevel } from './trainer/machine-feature.ts';
import type { LevelRange, TrainerAbilities } from './trainer/trainer.ts';

/** Percent of grade. */
const gradeStep = 0.5;
/** Until the trainer has told what it takes: a level that is none of its own is not ridden. */
const anyLevels: LevelRange = { min: 0, max: levelMax, step: 0.1 };
/** A hundred steps from the lowest level to the highest, or as many as there are. */
const levelStepCount = 100;
/** Where the levels are begun: about what a level road is. */
const firstLevelPart = 0.2;

/** The brake so many steps harder, or easier below 0. */
export function steppedBrake(brake: Brake, steps: number, levels: LevelRange | null): Brake {
  switch (brake.kind) {
    case 'none':
      return brake;
    case 'grade': {
      const wanted = brake.gradePercent + steps * gradeStep;
      return {
        kind: 'grade',
        gradePercent: Math.min(gradeBounds.max, Math.max(gradeBounds.min, wanted)),
      };
    }
    case 'resistance': {
      const stepLevel = levels === null ? 1 : levelStep(levels);
      const level = settableLevel(brake.level + steps * stepLevel, levels ?? anyLevels);
      return { kind: 'resistance', level };
    }
  }
}

function levelStep({ min, max, step }: LevelRange): number {
  return Math.max(1, Math.round((max - min) / levelStepCount / step)) * step;
}

/** What the rider can change to; null when the trainer takes nothing else. */
export function otherBrake(brake: Brake, abilities: TrainerAbilities | null): Brake | null {
  return brakesOf(abilities).find(({ kind }) => kind !== brake.kind) ?? null;
}

/**
 * What has to be ridden instead, because the trainer does not take what is asked; null when it does, or nobody knows. `isForeign`: the
 * level was set on another trainer, or nobody knows on which. 20 of 100 is easy, 20 of 24 is a wall: levels are begun anew.
 */
export function fittingBrake(
  brake: Brake,
  abilities: TrainerAbilities | null,
  isForeign = false,
): Brake | null {
  if (abilities === null) return null;
  const brakes = brakesOf(abilities);
  const ofKind = brakes.find(({ kind }) => kind === brake.kind);
  if (ofKind === undefined) return brakes[0] ?? (brake.kind === 'none' ? null : { kind: 'none' });
  if (brake.kind !== 'resistance' || abilities.levels === null) return null;
  const isIts = !isForeign && settableLevel(brake.level, abilities.levels) === brake.level;
  return isIts ? null : ofKind;
}

/** Whether a level means the same in both. */
export function areSameLevels(a: LevelRange, b: LevelRange): boolean {
  return a.min === b.min && a.max === b.max && a.step === b.step;
}

function brakesOf(abilities: TrainerAbilities | null): readonly Brake[] {
  if (abilities === null) return [];
  const { takesGrade, levels } = abilities;
  return [...(takesGrade ? [levelRoad] : []), ...(levels === null ? [] : [firstLevel(levels)])];
}

function firstLevel(range: LevelRange): Brake {
  const level = settableLevel(range.min + (range.max - range.min) * firstLevelPart, range);
  return { kind: 'resistance', level };
}

/** Null where nothing can be set. */
export function brakeText(brake: Brake): FigureText | null {
  switch (brake.kind) {
    case 'none':
      return null;
    case 'grade':
      return { name: 'Grade', value: signed(brake.gradePercent.toFixed(1)), unit: '%' };
    case 'resistance':
      return { name: 'Resistance', value: String(brake.level), unit: '' };
  }
}

/** In one line: `Grade 4.5 %`. */
export function brakeLine(brake: Brake): string {
  const text = brakeText(brake);
  if (text === null) return 'Without a brake';
  return [text.name, text.value, text.unit].join(joint).trim();
}

/** With a minus that is as wide as a plus. */
function signed(text: string): string {
  return text === '-0.0' ? '0.0' : text.replace('-', '−');
}
