/** Proof that somebody may read a session, and do nothing else with it. Signed like a resume token, and never taken for one. [W1] */
import type { SigningKeys } from './signing-keys.ts';

export interface ReaderTokens {
  readonly issue: (sessionId: string, readerId: string) => string;
  readonly isProven: (sessionId: string, readerId: string, token: string) => boolean;
}

const form = /^r1\.([A-Za-z0-9_-]{43})$/;

export function readerTokens(keys: SigningKeys): ReaderTokens {
  return {
    issue: (sessionId, readerId) => `r1.${keys.sign(signedText(sessionId, readerId))}`,
    isProven: (sessionId, readerId, token) => {
      const [, signature] = form.exec(token) ?? [];
      return signature !== undefined && keys.isSigned(signedText(sessionId, readerId), signature);
    },
  };
}

/** Ids hold no colon, so no two of these run into each other. */
function signedText(sessionId: string, readerId: string): string {
  return `read:${sessionId}:${readerId}`;
}
