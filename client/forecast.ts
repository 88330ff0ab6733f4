/** The state as it will be once everything in the outbox has come through: what the user sees, decided ahead of the server. */
import type { Entry, OutcomeEntry, Snapshot, WireCommand } from '../shared/protocol/frames.ts';
import { applyEntry, decideCommands, writerIndex } from '../shared/session/fold.ts';
import type { AnyModel } from '../shared/session/session-model.ts';
import { commandsBetween, lastSeq, type Outbox } from './outbox.ts';
import type { Replica } from './replica.ts';

export interface Author {
  readonly clientId: string;
  readonly incarnation: string;
}

/** A forecast is compared by what comes of the commands: to hash them would be the dearest part of it. */
const unnamed = [''];

/**
 * Follows the confirmed state with the pending commands on top. A command costs one decision, and an entry that came out as foreseen
 * nothing but a comparison: two hours of them, given offline, stay as cheap as the first.
 */
export class Forecast {
  readonly #model: AnyModel;
  #snapshot: Snapshot;
  #writer: number;
  /** What the pending commands are expected to come to, oldest first. */
  #expected: OutcomeEntry[] = [];

  /** `pending`: the author's commands that the confirmed state does not contain, in order. */
  constructor(
    model: AnyModel,
    confirmed: Snapshot,
    author: Author,
    pending: readonly WireCommand[],
  ) {
    this.#model = model;
    this.#snapshot = withAuthor(model, confirmed, author);
    this.#writer = writerIndex(this.#snapshot, author.clientId, author.incarnation);
    for (const command of pending) this.add(command);
  }

  get state(): unknown {
    return this.#snapshot.state;
  }

  /** The author's commands that will have come too late. [L5] */
  get lateCount(): number {
    return this.#snapshot.writers[this.#writer]?.lost ?? 0;
  }

  add(command: WireCommand): void {
    const decided = decideCommands(this.#model, this.#snapshot, this.#writer, {
      commands: [command],
      hashes: unnamed,
    });
    this.#snapshot = decided.next;
    this.#expected.push(...decided.entries);
  }

  /** Whether the entries are just what was foreseen, in this order and with nothing between. Otherwise a new forecast is due. */
  agreesWith(entries: readonly Entry[]): boolean {
    const isForeseen = entries.every((entry, index) => isSame(entry, this.#expected[index]));
    if (isForeseen) this.#expected = this.#expected.slice(entries.length);
    return isForeseen;
  }
}

/** The forecast for a device with this outbox. */
export function foresee(
  model: AnyModel,
  clientId: string,
  { replica: { confirmed }, outbox }: { readonly replica: Replica; readonly outbox: Outbox },
): Forecast {
  const { incarnation } = outbox;
  const writer = confirmed.writers[writerIndex(confirmed, clientId, incarnation)];
  const pending = commandsBetween(outbox, (writer?.accepted ?? 0) + 1, lastSeq(outbox));
  return new Forecast(model, confirmed, { clientId, incarnation }, pending);
}

function isSame(entry: Entry, expected: OutcomeEntry | undefined): boolean {
  if (expected === undefined || 'joined' in entry) return false;
  return (
    entry.offset === expected.offset &&
    entry.writer === expected.writer &&
    entry.seq === expected.seq &&
    entry.refused === expected.refused &&
    isSameJson(entry.events, expected.events)
  );
}

/** What a model makes may have fields that JSON leaves out. To write both is dear, and rarely needed. */
const isSameJson = (one: unknown, other: unknown): boolean =>
  isSameData(one, other) || JSON.stringify(one) === JSON.stringify(other);

const isSameData = (one: unknown, other: unknown): boolean =>
  one === other ||
  (isObject(one) &&
    isObject(other) &&
    Object.keys(one).length === Object.keys(other).length &&
    Object.keys(one).every((key) => isSameData(one[key], other[key])));

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** Before the server has heard of this incarnation, the forecast pretends that it has. */
function withAuthor(
  model: AnyModel,
  snapshot: Snapshot,
  { clientId, incarnation }: Author,
): Snapshot {
  if (writerIndex(snapshot, clientId, incarnation) !== -1) return snapshot;
  const joined = { client_id: clientId, incarnation, generation: 0 };
  return applyEntry(model, snapshot, { offset: snapshot.offset + 1, joined });
}
