/** What a client that attaches is told first. */
import { encodeFrame } from '../../shared/protocol/codec.ts';
import type { Snapshot, Welcome, Writer } from '../../shared/protocol/frames.ts';
import {
  heartbeatMs,
  pongTimeoutMs,
  retentionMs,
  type Limits,
} from '../../shared/protocol/limits.ts';
import { writerIndex } from '../../shared/session/fold.ts';
import type { Reader, RecalledHashes } from './reader.ts';

export interface WelcomeParts {
  readonly limits: Limits;
  /** Name of the running release, for people who read traces. */
  readonly release: string;
  /** The token that follows a generation. [A3] */
  readonly issueToken: (sessionId: string, clientId: string, generation: number) => string;
  /** Proves later that a client was told of that place in the log. [R4] */
  readonly signPosition: (sessionId: string, epoch: string, offset: number) => string;
}

/** Milliseconds the first retry after a break is spread over, and the longest pause between later ones. */
const backoffMs: [number, number] = [200, 20_000];

export function welcomeFrame(
  { limits, release, issueToken, signPosition }: WelcomeParts,
  session: { readonly sessionId: string; readonly epoch: string; readonly snapshot: Snapshot },
  { clientId, hello, generation, recalled }: Reader,
  watermarks: { readonly accepted: number; readonly checkpointed: number },
): string {
  const { snapshot, epoch, sessionId } = session;
  const writer = snapshot.writers[writerIndex(snapshot, clientId, hello.incarnation)];
  const frame: Welcome = {
    type: 'welcome',
    result: resultFor(hello.position?.epoch, epoch),
    epoch,
    ...watermarks,
    hashes: writer === undefined ? [] : knownHashes(writer, recalled),
    ...(recalled === undefined ? {} : { hashes_from: hello.hashes_from }),
    head: snapshot.offset,
    proof: signPosition(sessionId, epoch, snapshot.offset),
    token: issueToken(sessionId, clientId, generation + 1),
    heartbeat_ms: heartbeatMs,
    pong_timeout_ms: pongTimeoutMs,
    retention_ms: retentionMs,
    backoff_ms: backoffMs,
    limits,
    release,
  };
  return encodeFrame(frame);
}

/** Those at hand, behind the recalled ones when these reach up to them. */
function knownHashes({ accepted, hashes }: Writer, recalled: RecalledHashes | undefined): string[] {
  const firstSeq = accepted - hashes.length + 1;
  if (recalled === undefined || recalled.throughSeq < firstSeq - 1) return hashes;
  const overlapCount = recalled.throughSeq - firstSeq + 1;
  return [
    ...recalled.hashes.slice(0, Math.max(0, recalled.hashes.length - overlapCount)),
    ...hashes,
  ];
}

export function snapshotFrame(snapshot: Snapshot): string {
  return encodeFrame({ type: 'snapshot', snapshot });
}

function resultFor(heldEpoch: string | undefined, epoch: string): Welcome['result'] {
  if (heldEpoch === undefined) return 'new';
  return heldEpoch === epoch ? 'resumed' : 'rebuilt';
}
