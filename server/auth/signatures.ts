/** All that the service signs, with the same keys. */
import { originProofs, type OriginProofs } from './origin-proofs.ts';
import { positionProofs, type PositionProofs } from './position-proofs.ts';
import { readerTokens, type ReaderTokens } from './reader-tokens.ts';
import { resumeTokens, type ResumeTokens } from './resume-tokens.ts';
import type { SigningKeys } from './signing-keys.ts';

export interface Signatures {
  readonly tokens: ResumeTokens;
  readonly readers: ReaderTokens;
  readonly positions: PositionProofs;
  readonly origins: OriginProofs;
}

export function signatures(keys: SigningKeys): Signatures {
  return {
    tokens: resumeTokens(keys),
    readers: readerTokens(keys),
    positions: positionProofs(keys),
    origins: originProofs(keys),
  };
}
