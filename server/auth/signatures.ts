/** All that the service signs, by one secret. */
import { originProofs, type OriginProofs } from './origin-proofs.ts';
import { positionProofs, type PositionProofs } from './position-proofs.ts';
import { resumeTokens, type ResumeTokens } from './resume-tokens.ts';

export interface Signatures {
  readonly tokens: ResumeTokens;
  readonly positions: PositionProofs;
  readonly origins: OriginProofs;
}

/** `secret`: the same on every instance, 32 characters or more. */
export function signatures(secret: string): Signatures {
  return {
    tokens: resumeTokens(secret),
    positions: positionProofs(secret),
    origins: originProofs(secret),
  };
}
