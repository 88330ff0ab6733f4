/**
 * Proof that a client may take a session up again. A token names its generation and is signed, so nothing is stored but the highest
 * generation a client has proven, and a store that was rolled back still knows every token. [A2] [A3] [A5]
 */
import type { SigningKeys } from './signing-keys.ts';

export interface ResumeTokens {
  readonly issue: (sessionId: string, clientId: string, generation: number) => string;
  /** The token's generation, or undefined when it was not issued for this session and client. */
  readonly prove: (sessionId: string, clientId: string, token: string) => number | undefined;
}

const form = /^t1\.([1-9][0-9]{0,9})\.([A-Za-z0-9_-]{43})$/;

export function resumeTokens(keys: SigningKeys): ResumeTokens {
  return {
    issue: (sessionId, clientId, generation) =>
      `t1.${generation}.${keys.sign(signedText(sessionId, clientId, generation))}`,
    prove: (sessionId, clientId, token) => {
      const [, digits, signature] = form.exec(token) ?? [];
      if (digits === undefined || signature === undefined) return undefined;
      const generation = Number(digits);
      return keys.isSigned(signedText(sessionId, clientId, generation), signature)
        ? generation
        : undefined;
    },
  };
}

/** Ids hold no colon, so no two of these run into each other. */
function signedText(sessionId: string, clientId: string, generation: number): string {
  return `resume:${sessionId}:${clientId}:${generation}`;
}
