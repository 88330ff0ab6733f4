/** A ride that is over, as this device keeps it. */
import type { WorkoutEvent } from '../../../shared/workout/workout-schemas.ts';
import type { WorkoutState } from '../../../shared/workout/workout-state.ts';
import {
  recordEvents,
  recordRide,
  type KeptCommand,
  type RideRecord,
} from '../export/ride-record.ts';
import type { Incident } from './incidents.ts';

export interface KeptRide {
  readonly sessionId: string;
  /** The plan's, until the rider gives it another. */
  readonly name: string;
  readonly state: WorkoutState;
  /** All that this device recorded of it. */
  readonly commands: readonly KeptCommand[];
  readonly incidents: readonly Incident[];
  /** All that the session's log has of it, once that was asked for: where another device rode it, or a part. */
  readonly events?: readonly WorkoutEvent[];
  /** The account it was copied from; absent for a ride of this device. */
  readonly copyOf?: string;
  /** How long the account has it at least, ms since the Unix epoch, as it was told last. */
  readonly untilMs?: number;
  /** The rider named it here, and the account has not heard of it. */
  readonly isNameNew?: boolean;
  /** The activity it is at intervals.icu, and whose, once it was sent there from this device. */
  readonly sentAs?: { readonly athleteId: string; readonly activityId: string };
  /** The athlete at intervals.icu for whom it is still to be sent there. */
  readonly sendTo?: string;
}

/** Null for a ride that never began, and where only its summary is here. */
export function recordOf({ state, commands, events }: KeptRide): RideRecord | null {
  return events === undefined ? recordRide(state, commands) : recordEvents(state, events);
}

/** Whether the session's log can tell more of it than is here. */
export function isInParts(ride: KeptRide): boolean {
  return ride.events === undefined && recordOf(ride)?.isWhole !== true;
}

/** A serial number for files: the same for the same ride, and not 0. */
export function serialOf(sessionId: string): number {
  let seed = 0;
  for (const character of sessionId)
    seed = (Math.imul(seed, 31) + (character.codePointAt(0) ?? 0)) | 0;
  return seed >>> 0 || 1;
}
