/** A ride that is over, as this device keeps it. */
import type { WorkoutState } from '../../../shared/workout/workout-state.ts';
import type { KeptCommand } from '../export/ride-record.ts';
import type { Incident } from './incidents.ts';

export interface KeptRide {
  readonly sessionId: string;
  /** The plan's, until the rider gives it another. */
  readonly name: string;
  readonly state: WorkoutState;
  /** All that this device recorded of it. */
  readonly commands: readonly KeptCommand[];
  readonly incidents: readonly Incident[];
}
