/** What the rider is asked to do during the ride. */
import type { Plan } from '../../shared/workout/plan.ts';
import { parseZwo } from '../../shared/workout/zwo.ts';
import { CannotRide, exitCodes } from './cannot-ride.ts';

/** No target for the whole length. */
export function freeRide(durationS: number): Plan {
  return { name: 'Free ride', description: '', segments: [{ kind: 'free', durationS }] };
}

/** The plan of a .zwo file and remarks about it. `name` is what to call the file. Throws CannotRide. */
export function parsePlan(
  text: string,
  name: string,
): { readonly plan: Plan; readonly warnings: readonly string[] } {
  const result = parseZwo(text);
  if (!result.ok) throw new CannotRide(exitCodes.badContent, `${name}: ${result.problem}`);
  return result;
}
