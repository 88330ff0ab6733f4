/**
 * Signs the places in a log that clients are told of. A client that has seen more than the stores have is how a loss is noticed that
 * nobody else could notice; signed, nobody can claim one that never was. [R4]
 */
import type { SigningKeys } from './signing-keys.ts';

export interface PositionProofs {
  readonly sign: (sessionId: string, epoch: string, offset: number) => string;
  readonly isProven: (
    sessionId: string,
    witness: { readonly epoch: string; readonly offset: number; readonly proof: string },
  ) => boolean;
}

/** Characters of a proof: 96 bits. It guards one session against its own clients, one guess a connection. */
const proofChars = 16;

export function positionProofs(keys: SigningKeys): PositionProofs {
  return {
    sign: (sessionId, epoch, offset) =>
      keys.sign(signedText(sessionId, epoch, offset)).slice(0, proofChars),
    isProven: (sessionId, { epoch, offset, proof }) =>
      proof.length === proofChars && keys.isSigned(signedText(sessionId, epoch, offset), proof),
  };
}

function signedText(sessionId: string, epoch: string, offset: number): string {
  return `position:${sessionId}:${epoch}:${offset}`;
}
