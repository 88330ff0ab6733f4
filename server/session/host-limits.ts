/** Every bound of one session at its owner, with its reason. */

/** Inputs decided in one append at most: one call to the store stays short however many wait. */
export const batchInputsMax = 64;

/** A drain's tries to save a session, and the milliseconds between them: then its clients bring what Postgres does not have. */
export const flushTriesMax = 20;
export const flushRetryMs = 100;

/**
 * Entries that may wait for Postgres: more than an hour of samples a second. Beyond it commands stay in their clients' outboxes, so
 * that Redis and this process stay within bounds however long Postgres is away.
 */
export const unsavedEntriesMax = 5_000;

/**
 * Milliseconds from a command until its session goes on in Postgres, where Postgres has it and Redis does not answer, so that clients
 * cannot be told: a checkpoint's usual wait and a quick fail-over. Whoever gives no further command would never find out.
 */
export const untoldMaxMs = 7_000;
