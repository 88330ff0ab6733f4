/** Every entry that ever landed, by epoch and offset: what all readers must agree on, whatever the stores forget later. */
import type { Entry } from '../../shared/protocol/frames.ts';
import { follow, type Link } from './chain.ts';

interface EpochRecord {
  readonly base: Link;
  readonly links: Link[];
  readonly texts: string[];
  /** Highest offset anybody was told of. */
  toldOffset: number;
}

export class LogRecord {
  readonly #epochs = new Map<string, EpochRecord>();

  begin(epoch: string, base: Link): void {
    if (!this.#epochs.has(epoch))
      this.#epochs.set(epoch, { base, links: [], texts: [], toldOffset: base.offset });
  }

  has(epoch: string): boolean {
    return this.#epochs.has(epoch);
  }

  /** How many epochs began before. */
  ageOf(epoch: string): number {
    return [...this.#epochs.keys()].indexOf(epoch);
  }

  get epochCount(): number {
    return this.#epochs.size;
  }

  /** What the log added up to there; undefined when nothing of the kind ever was. */
  at(epoch: string, offset: number): Link | undefined {
    const record = this.#epochs.get(epoch);
    if (record === undefined) return undefined;
    return offset === record.base.offset
      ? record.base
      : record.links[offset - record.base.offset - 1];
  }

  /** Whether the log added up to that in any of its epochs. */
  everHad(link: Link | undefined, isSame: (a: Link, b: Link) => boolean): boolean {
    if (link === undefined) return false;
    return [...this.#epochs.keys()].some((epoch) => {
      const known = this.at(epoch, link.offset);
      return known !== undefined && isSame(known, link);
    });
  }

  /** The end of an epoch. */
  last(epoch: string): Link | undefined {
    const record = this.#epochs.get(epoch);
    return record?.links.at(-1) ?? record?.base;
  }

  /** Whether that very entry stands at its offset in the epoch; undefined when none stands there. */
  agrees(epoch: string, entry: Entry): boolean | undefined {
    const record = this.#epochs.get(epoch);
    const known = record?.texts[entry.offset - record.base.offset - 1];
    return known === undefined ? undefined : known === textOf(entry);
  }

  /** Whether somebody was told of another entry at that offset. */
  contradicts(epoch: string, entry: Entry): boolean {
    const toldOffset = this.#epochs.get(epoch)?.toldOffset ?? 0;
    return this.agrees(epoch, entry) === false && entry.offset <= toldOffset;
  }

  told(epoch: string, offset: number): void {
    const record = this.#epochs.get(epoch);
    if (record !== undefined) record.toldOffset = Math.max(record.toldOffset, offset);
  }

  /** Takes an entry down, or returns one sentence that says what is wrong with it. */
  add(epoch: string, entry: Entry): string | undefined {
    const record = this.#epochs.get(epoch);
    const last = this.last(epoch);
    if (record === undefined || last === undefined) return `nobody began epoch ${epoch}`;
    const agrees = this.agrees(epoch, entry);
    if (agrees === true) return undefined;
    if (agrees === false && entry.offset <= record.toldOffset)
      return `offset ${entry.offset} of epoch ${epoch} was given twice`;
    // What nobody was told of may have been saved at the end of a former epoch, for the next one to begin after it.
    if (agrees === false) this.#cut(record, entry.offset);
    const next = follow(this.last(epoch) ?? last, entry);
    if (typeof next === 'string') return `in epoch ${epoch} ${next}`;
    record.links.push(next);
    record.texts.push(textOf(entry));
    return undefined;
  }

  #cut({ base, links, texts }: EpochRecord, offset: number): void {
    links.length = offset - base.offset - 1;
    texts.length = links.length;
  }
}

export const parseEntries = (text: string): Entry[] => JSON.parse(`[${text}]`) as Entry[];

/** The same text for the same entry, however its fields are ordered: each time it passes a schema they may be ordered anew. */
function textOf(entry: Entry): string {
  if ('joined' in entry) {
    const { client_id, incarnation, generation } = entry.joined;
    return `${entry.offset} ${client_id} ${incarnation} ${generation}`;
  }
  const { offset, writer, seq, at_ms, refused, events } = entry;
  return `${offset} ${writer} ${seq} ${at_ms} ${refused} ${JSON.stringify(events)}`;
}
