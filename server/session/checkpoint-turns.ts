/** Each session has its own moment of every interval: those that began together would keep everybody waiting together, again and again. */

/** When something that waits since then is to be saved, both by one clock's elapsed time. */
export type CheckpointTurn = (sinceMs: number) => number;

/** Of the interval, from each session to the next: the golden ratio spreads them evenly, however many there are. */
const stepShare = (Math.sqrt(5) - 1) / 2;

/** Gives the sessions their moments. Nothing waits longer than the interval, and what waits all the time is saved once in each. */
export function checkpointTurns(intervalMs: number): () => CheckpointTurn {
  let count = 0;
  return () => {
    const ownMs = Math.floor((++count * stepShare * intervalMs) % intervalMs);
    return (sinceMs) => {
      const passedMs = (sinceMs - ownMs) % intervalMs;
      return sinceMs + (passedMs < 0 ? -passedMs : intervalMs - passedMs);
    };
  };
}
