/** One attached client, as the session sees it, and what it bears witness to. */
import type { CloseCode } from '../../shared/protocol/close-codes.ts';
import type { Hello, Position, Snapshot } from '../../shared/protocol/frames.ts';
import { provenGeneration } from '../../shared/session/fold.ts';

/** Where a client saw the log end, proven. It only counts from one whose token is not retired, and raises nothing but an epoch. */
export interface Sighting {
  readonly clientId: string;
  readonly generation: number;
  readonly position: Position;
}

/** Whether the client has seen entries of this epoch that are not there. [R4] */
export function isAhead(
  sighting: Sighting | undefined,
  epoch: string,
  snapshot: Snapshot,
): boolean {
  if (sighting?.position.epoch !== epoch || isRetired(sighting, snapshot)) return false;
  return sighting.position.offset > snapshot.offset;
}

/** Whether the client has seen a later epoch: another owner began it, unless both stores were lost since. */
export function sawLater(
  sighting: Sighting | undefined,
  epoch: string,
  snapshot: Snapshot,
): boolean {
  if (sighting === undefined || isRetired(sighting, snapshot)) return false;
  return isLater(sighting.position.epoch, epoch);
}

const isRetired = ({ clientId, generation }: Sighting, snapshot: Snapshot): boolean =>
  generation < provenGeneration(snapshot, clientId);

/** Whether an epoch began after another: each is named after the term it began in, and Postgres learns of it first. */
export function isLater(epoch: string, other: string): boolean {
  return Number.parseInt(epoch, 10) > Number.parseInt(other, 10);
}

/** The way back to one client. Sending and closing never throw; after closing, nothing more is sent. */
export interface Reader {
  readonly send: (frame: string) => void;
  /** In one write. */
  readonly sendTogether: (frames: readonly string[]) => void;
  readonly close: (code: CloseCode, reason: string) => void;
  /** That many commands it sent are decided and stored, or were put aside. */
  readonly settled: (count: number) => void;
  /** It was told welcome: where it came from, it need not go back to. */
  readonly welcomed: () => void;
  readonly clientId: string;
  readonly hello: Hello;
  /** Generation of the token the client proved. */
  readonly generation: number;
  /** Where it saw the log end, when it can prove it. */
  readonly sighting: Sighting | undefined;
  /** Counts the hellos of this instance: of two connections of one client the later one is the client's. [R5] */
  readonly arrival: number;
  /** Older hashes of its commands than the session keeps at hand, when it asked for them and could be answered. [C8] */
  readonly recalled?: RecalledHashes | undefined;
}

/** Hashes of a writer's accepted commands, the last one's last; none when those at hand are all that there is to tell. */
export interface RecalledHashes {
  readonly throughSeq: number;
  readonly hashes: readonly string[];
}
