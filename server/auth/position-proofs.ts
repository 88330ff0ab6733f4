/**
 * Signs the places in a log that clients are told of. A client that has seen more than the stores have is how a loss is noticed that
 * nobody else could notice; signed, nobody can claim one that never was. [R4]
 */
import { createHmac, createSecretKey } from 'node:crypto';

export interface PositionProofs {
  readonly sign: (sessionId: string, epoch: string, offset: number) => string;
  readonly isProven: (
    sessionId: string,
    witness: { readonly epoch: string; readonly offset: number; readonly proof: string },
  ) => boolean;
}

/** Characters of a proof: 96 bits. It guards one session against its own clients, one guess a connection. */
const proofChars = 16;

/** `secret`: the same on every instance, 32 characters or more. */
export function positionProofs(secret: string): PositionProofs {
  const key = createSecretKey(Buffer.from(secret));
  const sign = (sessionId: string, epoch: string, offset: number): string =>
    createHmac('sha256', key)
      .update(`position:${sessionId}:${epoch}:${offset}`)
      .digest('base64url')
      .slice(0, proofChars);
  return {
    sign,
    // A proof is worth nothing but one epoch: how long the comparison takes is no secret worth keeping.
    isProven: (sessionId, { epoch, offset, proof }) => proof === sign(sessionId, epoch, offset),
  };
}
