/** What was really entered, by client, writer, seq and payload: the generator's own record, which no answer of a server touches. */
import type { Entry, WireCommand } from '../../shared/protocol/frames.ts';

/** One command as it was entered. */
export interface Issued {
  /** Undefined for one that must be refused. */
  readonly amount: number | undefined;
}

export class Ledger {
  /** By client, in the order they were entered; a command carries its place there. */
  readonly #issued = new Map<string, Issued[]>();
  /** By writer: for each seq what devices sent under it. More than one thing only from copies of one storage. */
  readonly #sent = new Map<string, number[][]>();

  issue(clientId: string, issued: Issued): void {
    const all = this.#issued.get(clientId) ?? [];
    this.#issued.set(clientId, all);
    all.push(issued);
  }

  sent(writer: string, seq: number, commands: readonly WireCommand[]): void {
    const all = this.#sent.get(writer) ?? [];
    this.#sent.set(writer, all);
    for (const [place, command] of commands.entries()) {
      const number = (command[1] as { readonly n: number }).n;
      const known = (all[seq + place] ??= []);
      if (!known.includes(number)) known.push(number);
    }
  }

  /** What is wrong with an entry of that writer; undefined when it is what was entered and sent under its seq. */
  problemWith(writer: string, entry: Entry): string | undefined {
    if ('joined' in entry) return undefined;
    const { seq, refused, events = [] } = entry;
    const [clientId = ''] = writer.split('/');
    const known = this.#sent.get(writer)?.[seq] ?? [];
    const isMeant = known.some((number) => {
      const issued = this.#issued.get(clientId)?.[number];
      if (issued?.amount === undefined) return refused !== undefined && events.length === 0;
      const [event] = events;
      const data = event?.[1] as { readonly amount: number; readonly clientId: string } | undefined;
      return (
        refused === undefined &&
        events.length === 1 &&
        data?.amount === issued.amount &&
        data.clientId === clientId
      );
    });
    if (isMeant) return undefined;
    const outcome = refused ?? JSON.stringify(events);
    return `seq ${seq} of ${writer} came to ${outcome}, but was entered as number ${known.join(' or ')} [C2]`;
  }
}
