import type { CloseCode } from '../../shared/protocol/close-codes.ts';
import type { Hello, Snapshot } from '../../shared/protocol/frames.ts';
/** One attached client, as the session sees it, and what it bears witness to. */
import { acceptedSeq, provenGeneration } from '../../shared/session/fold.ts';

/** What a client says it has seen. It only counts from one whose token is not retired, and raises nothing but an epoch. */
export interface Witness {
  readonly clientId: string;
  readonly generation: number;
  readonly hello: Pick<Hello, 'incarnation' | 'position' | 'accepted'>;
}

/** Whether the client has seen entries of this epoch, or had commands accepted in it, that are not there. [R4] */
export function isAhead(witness: Witness | undefined, epoch: string, snapshot: Snapshot): boolean {
  if (witness === undefined || witness.hello.position?.epoch !== epoch) return false;
  const { clientId, generation, hello } = witness;
  if (generation < provenGeneration(snapshot, clientId)) return false;
  const { offset } = witness.hello.position;
  return (
    offset > snapshot.offset || hello.accepted > acceptedSeq(snapshot, clientId, hello.incarnation)
  );
}

export function witnessOf({ clientId, generation, hello }: Reader): Witness {
  return { clientId, generation, hello };
}

/** The way back to one client. Sending and closing never throw; after closing, nothing more is sent. */
export interface Reader {
  readonly send: (text: string) => void;
  readonly close: (code: CloseCode, reason: string) => void;
  /** That many commands it sent are decided and stored, or were put aside. */
  readonly settled: (count: number) => void;
  readonly clientId: string;
  readonly hello: Hello;
  /** Generation of the token the client proved. */
  readonly generation: number;
  /** Older hashes of its commands than the session keeps at hand, when it is that far behind. [C8] */
  readonly recalled?: RecalledHashes | undefined;
}

/** Hashes of a writer's accepted commands, the last one's last. */
export interface RecalledHashes {
  readonly throughSeq: number;
  readonly hashes: readonly string[];
}
