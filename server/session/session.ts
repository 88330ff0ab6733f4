/**
 * All session rules in one pure step: what a batch of inputs comes to, given the state. The host carries it out, and only once the
 * log has the entries does the step's state become the session's. [C5]
 */
import { encodeEntries } from '../../shared/protocol/codec.ts';
import type { Entry, Snapshot } from '../../shared/protocol/frames.ts';
import {
  applyEntry,
  decideCommands,
  firstDivergence,
  hashIn,
  provenGeneration,
  revokedGeneration,
  writerIndex,
  type CommandRun,
} from '../../shared/session/fold.ts';
import type { AnyModel } from '../../shared/session/session-model.ts';

export interface JoinInput<Reader> {
  readonly kind: 'join';
  readonly reader: Reader;
  readonly clientId: string;
  readonly incarnation: string;
  /** Generation of the token that was proven. */
  readonly generation: number;
}

export interface CommandsInput<Reader> extends CommandRun {
  readonly kind: 'commands';
  readonly reader: Reader;
  readonly clientId: string;
  readonly incarnation: string;
  /** Seq of the first command. */
  readonly seq: number;
}

export type Input<Reader> = JoinInput<Reader> | CommandsInput<Reader>;

/** What the reader is told once the entries are in the log. */
export type Answer<Reader> =
  | {
      readonly kind: 'joined';
      readonly reader: Reader;
      readonly writer: number;
      readonly clientId: string;
      readonly generation: number;
    }
  | { readonly kind: 'gap'; readonly reader: Reader; readonly expected: number }
  /** The command at this seq is another one than was accepted: the client's storage was copied or rolled back. [C8] */
  | { readonly kind: 'diverged'; readonly reader: Reader }
  | { readonly kind: 'retired' | 'revoked'; readonly reader: Reader }
  | { readonly kind: 'too-many-writers'; readonly reader: Reader }
  /** Nobody can say whether this server still owns the session. */
  | { readonly kind: 'put-off'; readonly reader: Reader };

/** Consecutive entries, from the first offset to the last. */
export interface EncodedEntries {
  readonly first: number;
  readonly last: number;
  readonly text: string;
}

export interface Step<Reader> {
  /** Undefined when it comes to none. */
  readonly entries: EncodedEntries | undefined;
  readonly next: Snapshot;
  readonly answers: readonly Answer<Reader>[];
  /** What the model threw, for the log of the operator. */
  readonly modelErrors: readonly unknown[];
}

interface Draft<Reader> {
  snapshot: Snapshot;
  readonly entries: Entry[];
  readonly answers: Answer<Reader>[];
  readonly modelErrors: unknown[];
  /** Readers turned away in this step: what they sent along does not count. */
  readonly refused: Set<Reader>;
}

export function stepSession<Reader>(
  model: AnyModel,
  snapshot: Snapshot,
  inputs: readonly Input<Reader>[],
  writersMax: number,
): Step<Reader> {
  const draft: Draft<Reader> = {
    snapshot,
    entries: [],
    answers: [],
    modelErrors: [],
    refused: new Set(),
  };
  for (const input of inputs) {
    if (input.kind === 'join') join(model, draft, input, writersMax);
    else if (!draft.refused.has(input.reader)) takeCommands(model, draft, input);
  }
  const { snapshot: next, modelErrors } = draft;
  const answers = draft.answers.map((answer) => turnedAwayIfRetired(answer, next));
  return { next, entries: encoded(draft.entries), answers, modelErrors };
}

function encoded(entries: readonly Entry[]): EncodedEntries | undefined {
  const [first, last] = [entries[0], entries.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  return { first: first.offset, last: last.offset, text: encodeEntries(entries) };
}

/** A token that a newer one behind it in the same step has retired opens nothing any more, as if it had come a moment later. [A4] */
function turnedAwayIfRetired<Reader>(answer: Answer<Reader>, next: Snapshot): Answer<Reader> {
  if (answer.kind !== 'joined') return answer;
  const { reader, clientId, generation } = answer;
  return generation < provenGeneration(next, clientId) &&
    provenGeneration(next, clientId) !== revokedGeneration
    ? { kind: 'retired', reader }
    : answer;
}

function join<Reader>(
  model: AnyModel,
  draft: Draft<Reader>,
  input: JoinInput<Reader>,
  writersMax: number,
): void {
  const { reader, clientId, incarnation, generation } = input;
  const proven = provenGeneration(draft.snapshot, clientId);
  if (generation < proven) {
    const kind = proven === revokedGeneration ? 'revoked' : 'retired';
    refuse(draft, { kind, reader });
    return;
  }
  const known = writerIndex(draft.snapshot, clientId, incarnation);
  const isFull = draft.snapshot.writers.length >= writersMax && generation !== revokedGeneration;
  if (known === -1 && isFull) {
    refuse(draft, { kind: 'too-many-writers', reader });
    return;
  }
  if (known === -1 || generation > proven) {
    const joined = { client_id: clientId, incarnation, generation };
    record(model, draft, { offset: draft.snapshot.offset + 1, joined });
  }
  const writer = writerIndex(draft.snapshot, clientId, incarnation);
  draft.answers.push({ kind: 'joined', reader, writer, clientId, generation });
}

function takeCommands<Reader>(
  model: AnyModel,
  draft: Draft<Reader>,
  input: CommandsInput<Reader>,
): void {
  const { reader, clientId, incarnation, seq, commands, hashes } = input;
  const index = writerIndex(draft.snapshot, clientId, incarnation);
  const writer = draft.snapshot.writers[index];
  // Its join was refused; the connection is about to close.
  if (writer === undefined) return;
  if (seq > writer.accepted + 1) {
    draft.answers.push({ kind: 'gap', reader, expected: writer.accepted + 1 });
    return;
  }
  const isRepeat = seq <= writer.accepted;
  if (isRepeat && firstDivergence(writer, (at) => hashIn(input, at - seq)) !== undefined) {
    refuse(draft, { kind: 'diverged', reader });
    return;
  }
  const knownCount = writer.accepted + 1 - seq;
  const fresh = isRepeat
    ? { commands: commands.slice(knownCount), hashes: hashes?.slice(knownCount) }
    : input;
  if (fresh.commands.length === 0) return;
  const decided = decideCommands(model, draft.snapshot, index, fresh);
  draft.modelErrors.push(...decided.modelErrors);
  keep(draft, decided.entries, decided.next);
}

function refuse<Reader>(draft: Draft<Reader>, answer: Answer<Reader>): void {
  draft.refused.add(answer.reader);
  draft.answers.push(answer);
}

function record<Reader>(model: AnyModel, draft: Draft<Reader>, entry: Entry): void {
  keep(draft, [entry], applyEntry(model, draft.snapshot, entry));
}

function keep<Reader>(draft: Draft<Reader>, entries: readonly Entry[], next: Snapshot): void {
  draft.snapshot = next;
  for (const entry of entries) draft.entries.push(entry);
}
