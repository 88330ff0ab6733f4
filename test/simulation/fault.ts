/** One thing that can go wrong with a world. */
import type { Random } from './random.ts';
import type { World } from './world.ts';

export interface Fault {
  readonly name: string;
  /** How often compared to the others. */
  readonly weight: number;
  /** Returns false when there was nothing it could strike. */
  readonly strike: (world: World, random: Random) => boolean;
}
