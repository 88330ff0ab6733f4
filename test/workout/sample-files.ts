/** Rides and workout files that lie beside the repository on some machines; tests that want them are skipped without. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import type { RiddenSecond } from '../../shared/workout/training-metrics.ts';

const beside = new URL('../../../shared/', import.meta.url);
const rideFile = new URL('rides/indoor-38min.csv', beside);
const workoutFolder = new URL('workouts/', beside);

export const hasRide = existsSync(rideFile);
export const hasWorkouts = existsSync(workoutFolder);
export const whySkipped = 'skipped where the sample files are not beside the repository';

const numberOrNull = (cell: string | undefined) => (cell?.trim() ? Number(cell) : null);

/** The recorded ride: each record with the second it belongs to. */
export function rideRecords(): (RiddenSecond & { readonly second: number })[] {
  const [, ...rows] = readFileSync(rideFile, 'utf8').trim().split('\n');
  return rows.map((row) => {
    const [second, powerW, cadenceRpm, heartRateBpm] = row.split(',').map(numberOrNull);
    return {
      second: second ?? 0,
      powerW: powerW ?? null,
      cadenceRpm: cadenceRpm ?? null,
      heartRateBpm: heartRateBpm ?? null,
    };
  });
}

/** Every workout file: its name and text. */
export function workoutFiles(): { readonly name: string; readonly text: string }[] {
  return readdirSync(fileURLToPath(workoutFolder))
    .filter((name) => name.endsWith('.zwo'))
    .map((name) => ({ name, text: readFileSync(new URL(name, workoutFolder), 'utf8') }));
}
