/** Each session has its own moment of every interval: those that began together would keep everybody waiting together, again and again. */

/** When something that waits since then is to be saved, both by one clock's elapsed time. */
export type CheckpointTurn = (sinceMs: number) => number;

/**
 * Gives the sessions their moments, one after the other, a slot from each to the next. Nothing waits longer than the interval, and who
 * has something to save all the time is saved once in each.
 */
export function checkpointTurns(intervalMs: number, slotMs: number): () => CheckpointTurn {
  let phaseMs = 0;
  return () => {
    phaseMs = (phaseMs + slotMs) % intervalMs;
    const ownMs = phaseMs;
    return (sinceMs) => {
      const passedMs = (sinceMs - ownMs) % intervalMs;
      return sinceMs + (passedMs < 0 ? -passedMs : intervalMs - passedMs);
    };
  };
}
