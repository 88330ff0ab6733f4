/** How a session's state comes about: entries folded over a snapshot, commands decided on top. Runs on both sides. */
import { payloadHash } from '../payload-hash.ts';
import type { Entry, OutcomeEntry, Snapshot, WireCommand, Writer } from '../protocol/frames.ts';
import { hashesMax, nameCharsMax } from '../protocol/limits.ts';
import type { AnyModel, AnyNamed, CommandContext } from './session-model.ts';

/** The state before anything happened. */
export function genesis(model: AnyModel, input: unknown): Snapshot {
  const { kind, version } = model;
  return { kind, version, offset: 0, writers: [], state: model.initial(input) };
}

/** Finds the place of a device's incarnation among the writers, or -1. */
export function writerIndex(snapshot: Snapshot, clientId: string, incarnation: string): number {
  return snapshot.writers.findIndex(
    (writer) => writer.client_id === clientId && writer.incarnation === incarnation,
  );
}

/**
 * The generation a client is given that may not come back: above every one a token can name, so that all of them are retired, in
 * every copy of the log and whatever is merged with it. [A7]
 */
export const revokedGeneration = 10_000_000_000;

/** Highest token generation any incarnation of a client has proven. [A3] */
export function provenGeneration(snapshot: Snapshot, clientId: string): number {
  return snapshot.writers.reduce(
    (highest, writer) =>
      writer.client_id === clientId ? Math.max(highest, writer.generation) : highest,
    0,
  );
}

/** Highest seq accepted from a writer; 0 when the session does not know it. */
export function acceptedSeq(snapshot: Snapshot, clientId: string, incarnation: string): number {
  const writer = snapshot.writers[writerIndex(snapshot, clientId, incarnation)];
  return writer?.accepted ?? 0;
}

/**
 * What names a command: its payload and when it was issued, so that two copies of a storage that both coast at zero watts are told
 * apart. Both sides hash the same text because JSON keeps the order of keys. [C8]
 */
export function commandHash(command: WireCommand): string {
  return payloadHash(JSON.stringify(command));
}

/** Commands in the order they were given. */
export interface CommandRun {
  readonly commands: readonly WireCommand[];
  /** Of all of them, where their client told them. */
  readonly hashes?: readonly string[] | undefined;
}

/** As it was told, or else computed. */
const hashOf = ({ hashes }: CommandRun, command: WireCommand, place: number): string =>
  hashes?.[place] ?? commandHash(command);

/** The hash of the command at a place of the run; undefined when there is none. */
export function hashIn(run: CommandRun, place: number): string | undefined {
  const command = run.commands[place];
  return command && hashOf(run, command, place);
}

/** The next snapshot. Throws when the entry is not the next one: folding over a gap would build a state that never was. [E1] */
export function applyEntry(model: AnyModel, snapshot: Snapshot, entry: Entry): Snapshot {
  if (entry.offset !== snapshot.offset + 1)
    throw new Error(`Entry ${entry.offset} does not follow offset ${snapshot.offset}.`);
  if ('joined' in entry) {
    const writers = withJoined(snapshot.writers, entry.joined);
    return reached(snapshot, entry.offset, writers, snapshot.state);
  }
  const state = evolveAll(model, snapshot.state, entry.events ?? []);
  const isLate = entry.refused !== undefined && model.isEnded?.(snapshot.state) === true;
  const writers = withOutcome(snapshot.writers, entry, isLate ? 1 : 0);
  return reached(snapshot, entry.offset, writers, state);
}

/** The writers after these entries, of whatever kind the session is. */
export function writersAfter(
  { writers }: Pick<Snapshot, 'writers'>,
  entries: readonly Entry[],
): readonly Writer[] {
  return entries.reduce<readonly Writer[]>(
    (known, entry) =>
      'joined' in entry ? withJoined(known, entry.joined) : withOutcome(known, entry),
    writers,
  );
}

export interface Decided {
  readonly entries: readonly OutcomeEntry[];
  readonly next: Snapshot;
  /** What the model itself threw: its author's mistakes. Each of these commands is refused with `model-failed`. */
  readonly modelErrors: readonly unknown[];
}

/** The first seq at which a command is another than the one accepted, as far back as hashes are kept. [C8] */
export function firstDivergence(
  { accepted, hashes }: Pick<Writer, 'accepted' | 'hashes'>,
  hashAt: (seq: number) => string | undefined,
): number | undefined {
  const place = hashes.findIndex((hash, index) => {
    const other = hashAt(accepted - hashes.length + 1 + index);
    return other !== undefined && other !== hash;
  });
  return place === -1 ? undefined : accepted - hashes.length + 1 + place;
}

/**
 * Decides commands of a writer, in order, as the next entries. A command the model does not know or cannot read is refused. [C4] [C7]
 * The same as deciding and applying one after the other, without a copy of the writer for each.
 */
export function decideCommands(
  model: AnyModel,
  snapshot: Snapshot,
  writer: number,
  run: CommandRun,
): Decided {
  const author = snapshot.writers[writer];
  if (author === undefined) throw new Error(`There is no writer ${writer}.`);
  const entries: OutcomeEntry[] = [];
  const modelErrors: unknown[] = [];
  let { state, offset } = snapshot;
  let { accepted, at_ms: atMs, lost = 0 } = author;
  const hashes = author.hashes.slice(-hashesMax);
  for (const command of run.commands) {
    atMs = Math.max(command[2], atMs);
    const context = { atMs, clientId: author.client_id };
    const { events, refused, after, modelError } = decideOne(model, state, command, context);
    if (modelError !== undefined) modelErrors.push(modelError);
    if (refused !== undefined && model.isEnded?.(state) === true) lost++;
    state = after;
    offset++;
    accepted++;
    const hash = hashOf(run, command, entries.length);
    hashes.push(hash);
    // Whole literals, in the order in which they are written out: copying fields from one object into another costs as much as deciding.
    entries.push(
      refused === undefined
        ? { offset, writer, seq: accepted, at_ms: atMs, hash, events }
        : { offset, writer, seq: accepted, at_ms: atMs, hash, refused },
    );
  }
  const next = grown(author, accepted, atMs, { hashes: hashes.slice(-hashesMax), lost });
  const writers = snapshot.writers.map((other, index) => (index === writer ? next : other));
  return { entries, modelErrors, next: reached(snapshot, offset, writers, state) };
}

/**
 * A snapshot, and below a writer, that got further: written out whole. What is copied by spread and then written to has a hidden
 * class of its own in V8 11, which costs a microsecond for every event, and makes each later look at it slow.
 */
const reached = (
  { kind, version }: Snapshot,
  offset: number,
  writers: Writer[],
  state: unknown,
): Snapshot => ({ kind, version, offset, writers, state });

function grown(
  { client_id, incarnation, generation }: Writer,
  accepted: number,
  at_ms: number,
  { hashes, lost }: Pick<Writer, 'hashes' | 'lost'>,
): Writer {
  // Nothing is written of none.
  return { client_id, incarnation, generation, accepted, hashes, at_ms, lost: lost || undefined };
}

interface Outcome {
  readonly events: OutcomeEntry['events'];
  readonly refused: string | undefined;
  readonly after: unknown;
  readonly modelError: unknown;
}

const refusal = (refused: string, after: unknown, modelError?: unknown): Outcome => ({
  events: undefined,
  refused,
  after,
  modelError,
});

function decideOne(
  model: AnyModel,
  state: unknown,
  [type, data]: WireCommand,
  context: CommandContext,
): Outcome {
  try {
    const parsed = model.parseCommand(type, data);
    if (!parsed.ok) return refusal('bad-command', state);
    const decision = model.decide(state, parsed.value, context);
    if ('refused' in decision) return refusal(named(decision.refused), state);
    const events = decision.map(asTuple);
    const after = evolveAll(model, state, events);
    return { events, refused: undefined, after, modelError: undefined };
  } catch (modelError) {
    return refusal('model-failed', state, modelError);
  }
}

const evolveAll = (
  model: AnyModel,
  state: unknown,
  events: NonNullable<OutcomeEntry['events']>,
): unknown =>
  events.reduce<unknown>((before, [type, data]) => model.evolve(before, { type, data }), state);

const asTuple = ({ type, data }: AnyNamed): [string, unknown] => [named(type), data];

/** Names of events and refusals go over the wire, where they are bounded; throwing here is the model's mistake like any other. */
function named(name: string): string {
  if (typeof name !== 'string' || name.length > nameCharsMax)
    throw new TypeError(`A name has ${nameCharsMax} characters at most.`);
  return name;
}

function withJoined(
  writers: readonly Writer[],
  {
    client_id,
    incarnation,
    generation,
  }: { client_id: string; incarnation: string; generation: number },
): Writer[] {
  const known = writers.some(
    (writer) => writer.client_id === client_id && writer.incarnation === incarnation,
  );
  if (known)
    return writers.map((writer) =>
      writer.client_id === client_id && writer.incarnation === incarnation
        ? { ...writer, generation: Math.max(writer.generation, generation) }
        : writer,
    );
  const fresh = { accepted: 0, hashes: [], at_ms: 0 };
  return [...writers, { client_id, incarnation, generation, ...fresh }];
}

/** Losses are counted in the log itself, so that they are the same for everybody and after every rebuild. [L5] */
function withOutcome(
  writers: readonly Writer[],
  { writer: place, hash, seq, at_ms }: OutcomeEntry,
  lossCount = 0,
): Writer[] {
  return writers.map((writer, index) => {
    if (index !== place) return writer;
    const hashes = [...writer.hashes.slice(1 - hashesMax), hash];
    return grown(writer, seq, at_ms, { hashes, lost: (writer.lost ?? 0) + lossCount });
  });
}
