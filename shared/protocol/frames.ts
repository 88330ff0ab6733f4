/** One schema per frame, both directions; types are inferred. Meaning and rules: PROTOCOL.md. Names on the wire are snake_case. */
import * as v from 'valibot';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const ordinal = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const shortText = v.pipe(v.string(), v.maxLength(64));
/** A signature of the service over a place in a log. */
const proof = shortText;

/** Session ids, client ids and incarnations: random, at least 128 bits, safe in a path. */
export const idSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22,36}$/));

/** Which life of a session's log. */
export const epochSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,36}$/));

/** Place in a session's log: an offset means nothing without its epoch. */
export const positionSchema = v.object({ epoch: epochSchema, offset: count });
export type Position = v.InferOutput<typeof positionSchema>;

/** The end of the log as a server told it, signed by it: what only a server can have said. [R4] */
export const witnessSchema = v.object({
  epoch: epochSchema,
  offset: count,
  proof,
});
export type Witness = v.InferOutput<typeof witnessSchema>;

/** What a command is on its way: its name, its data, and when it was issued (ms since the Unix epoch by the client's clock). */
export const commandSchema = v.tuple([shortText, v.unknown(), count]);
export type WireCommand = v.InferOutput<typeof commandSchema>;

/** Names a command among those of its writer. [C8] */
export const hashPattern = /^[0-9a-f]{1,14}$/;

/** One device's life of storage, as a writer of the session. `hashes` are of its latest accepted commands, the last one's last. */
export const writerSchema = v.object({
  client_id: idSchema,
  incarnation: idSchema,
  /** Highest generation of resume token this client has proven to hold. */
  generation: count,
  accepted: count,
  hashes: v.array(shortText),
  /** When its latest command was issued; never falls. */
  at_ms: count,
  /** Commands that were refused because the session had ended by then; absent for none. [L5] */
  lost: v.optional(count),
});
export type Writer = v.InferOutput<typeof writerSchema>;

const eventSchema = v.tuple([shortText, v.unknown()]);

/** What one command came to: its events, or the code of its refusal. */
const outcomeEntrySchema = v.object({
  offset: ordinal,
  /** Index into the session's writers. */
  writer: count,
  seq: ordinal,
  at_ms: count,
  events: v.optional(v.array(eventSchema)),
  refused: v.optional(shortText),
  /** Of the command, as its client told it, or as the server computed it. [C8] */
  hash: shortText,
});

/** A writer appears, or proves a newer token. */
const joinedEntrySchema = v.object({
  offset: ordinal,
  joined: v.object({ client_id: idSchema, incarnation: idSchema, generation: count }),
});

export const entrySchema = v.union([outcomeEntrySchema, joinedEntrySchema]);
export type OutcomeEntry = v.InferOutput<typeof outcomeEntrySchema>;
export type Entry = v.InferOutput<typeof entrySchema>;

/** Whole state at an offset: what all entries up to it add up to. */
export const snapshotSchema = v.object({
  kind: shortText,
  version: ordinal,
  offset: count,
  writers: v.array(writerSchema),
  state: v.unknown(),
});
export type Snapshot = v.InferOutput<typeof snapshotSchema>;

const limitsSchema = v.object({
  frame_bytes_max: ordinal,
  command_bytes_max: ordinal,
  frame_commands_max: ordinal,
  in_flight_max: ordinal,
  frames_per_s_max: ordinal,
  send_buffer_bytes_max: ordinal,
  connections_max: ordinal,
  writers_max: ordinal,
});

export const clientFrameSchema = v.variant('type', [
  v.object({
    type: v.literal('hello'),
    token: v.pipe(v.string(), v.maxLength(128)),
    incarnation: idSchema,
    kind: shortText,
    version: ordinal,
    position: v.optional(positionSchema),
    witness: v.optional(witnessSchema),
    /** First seq whose hash the client wants to know, besides the latest. [C8] */
    hashes_from: v.optional(ordinal),
  }),
  /** What the session began with, and the proof that it did; absent when this client does not know. [R12] */
  v.object({
    type: v.literal('remind'),
    input: v.optional(v.unknown()),
    origin: v.optional(v.pipe(v.string(), v.maxLength(128))),
  }),
  v.pipe(
    v.object({
      type: v.literal('commands'),
      seq: ordinal,
      commands: v.array(commandSchema),
      /** Of the commands, one each: who sends none leaves hashing to the server. [C8] */
      hashes: v.optional(v.array(v.pipe(v.string(), v.regex(hashPattern)))),
    }),
    v.check(({ commands, hashes }) => hashes === undefined || hashes.length === commands.length),
  ),
  v.object({ type: v.literal('ping'), n: count }),
  v.object({ type: v.literal('pong'), n: count }),
  v.object({ type: v.literal('bye') }),
]);
export type ClientFrame = v.InferOutput<typeof clientFrameSchema>;
export type Hello = Extract<ClientFrame, { type: 'hello' }>;

export const serverFrameSchema = v.variant('type', [
  v.object({
    type: v.literal('welcome'),
    result: v.picklist(['new', 'resumed', 'rebuilt']),
    epoch: epochSchema,
    accepted: count,
    checkpointed: count,
    hashes: v.array(shortText),
    /** The one asked for, when it was looked up: what `hashes` does not tell then cannot be told. [C8] */
    hashes_from: v.optional(ordinal),
    head: count,
    proof,
    token: v.pipe(v.string(), v.maxLength(128)),
    heartbeat_ms: ordinal,
    pong_timeout_ms: ordinal,
    retention_ms: ordinal,
    backoff_ms: v.tuple([count, ordinal]),
    limits: limitsSchema,
    release: shortText,
  }),
  v.object({ type: v.literal('snapshot'), snapshot: snapshotSchema }),
  v.object({
    type: v.literal('entries'),
    accepted: count,
    checkpointed: count,
    /** Of the last entry's place. */
    proof,
    entries: v.array(entrySchema),
  }),
  v.object({ type: v.literal('live'), offset: count }),
  v.object({ type: v.literal('watermarks'), accepted: count, checkpointed: count }),
  v.object({ type: v.literal('gap'), expected: ordinal }),
  v.object({ type: v.literal('forgotten') }),
  v.object({ type: v.literal('final'), offset: count }),
  v.object({
    type: v.literal('gone'),
    reason: v.picklist(['finished', 'abandoned', 'deleted']),
    ended_ms: count,
    accepted: count,
  }),
  v.object({ type: v.literal('goaway'), slot_ms: count, deadline_ms: count }),
  v.object({ type: v.literal('ping'), n: count }),
  v.object({ type: v.literal('pong'), n: count }),
]);
export type ServerFrame = v.InferOutput<typeof serverFrameSchema>;
export type Welcome = Extract<ServerFrame, { type: 'welcome' }>;
