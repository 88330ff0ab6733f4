/** Every key in Redis. The braces put all keys of a session into one slot of a cluster. */

/**
 * Milliseconds Redis keeps a session after its last checkpoint: three days. Postgres has it by then; what was accepted and not yet
 * checkpointed when its owner died waits that long for the next one, and in its client's outbox for ever.
 */
export const keptMs = 3 * 24 * 3_600_000;

export interface SessionKeys {
  /** Hash: kind, version, owner, term, epoch, head, covered, appends, identity. */
  readonly meta: string;
  /** Stream of batches; the id is the batch's last offset. No key while it is empty, but in a cluster. */
  readonly log: string;
  /** String: the snapshot the log continues from. */
  readonly snapshot: string;
}

export function sessionKeys(sessionId: string): SessionKeys {
  const tag = `ts:{${sessionId}}`;
  return { meta: `${tag}:meta`, log: `${tag}:log`, snapshot: `${tag}:snapshot` };
}

/** Of what one key may do in a while; the key must hold nothing secret or personal. */
export function limitKey(rate: string, key: string): string {
  return `ts:limit:${rate}:${key}`;
}
