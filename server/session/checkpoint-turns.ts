/** Each session has its own moment of every interval: those that began together would keep everybody waiting together. */

/** When what waits since then is due, by the same clock's elapsed milliseconds: later than that, by the interval at most. */
export type CheckpointTurn = (sinceMs: number) => number;

/** What part of the interval one session's moment is behind the former one's: by the golden ratio they are spread evenly, however many there are. */
const stepShare = (Math.sqrt(5) - 1) / 2;

/** Gives the sessions their moments, one by one. What waits all the time is due once in each interval. */
export function checkpointTurns(intervalMs: number): () => CheckpointTurn {
  let count = 0;
  return () => {
    const ownMs = Math.floor(((++count * stepShare) % 1) * intervalMs);
    return (sinceMs) => ownMs + (Math.floor((sinceMs - ownMs) / intervalMs) + 1) * intervalMs;
  };
}
