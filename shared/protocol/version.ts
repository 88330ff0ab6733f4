/** The version of the wire: what a subprotocol name stands for. */

/** Served today, newest first; a client offers all it speaks and the server picks the first it knows. [H1] */
export const subprotocols = ['trackstand.v1'] as const;

/**
 * Hash of `frames.ts` per version. A test compares: a changed frame without a new version (or, before the first release, without
 * a new hash here) fails, so that no wire change slips through unseen.
 *
 * v1: hello, remind, commands, ping, pong, bye; welcome, snapshot, entries, live, watermarks, gap, forgotten, final, gone, goaway.
 */
export const wireHashes: Readonly<Record<(typeof subprotocols)[number], string>> = {
  'trackstand.v1': '0d9b564b3331174a',
};
