/**
 * Proof that a client may take a session up again. A token names its generation and is signed, so nothing is stored but the highest
 * generation a client has proven, and a store that was rolled back still knows every token. [A2] [A3] [A5]
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export interface ResumeTokens {
  readonly issue: (sessionId: string, clientId: string, generation: number) => string;
  /** The token's generation, or undefined when it was not issued for this session and client. */
  readonly prove: (sessionId: string, clientId: string, token: string) => number | undefined;
}

const form = /^t1\.([1-9][0-9]{0,9})\.([A-Za-z0-9_-]{43})$/;

/** `secret`: the same on every instance, 32 characters or more. */
export function resumeTokens(secret: string): ResumeTokens {
  const sign = (sessionId: string, clientId: string, generation: number): Buffer =>
    createHmac('sha256', secret).update(`resume:${sessionId}:${clientId}:${generation}`).digest();
  return {
    issue: (sessionId, clientId, generation) =>
      `t1.${generation}.${sign(sessionId, clientId, generation).toString('base64url')}`,
    prove: (sessionId, clientId, token) => {
      const [, digits, signature] = form.exec(token) ?? [];
      if (digits === undefined || signature === undefined) return undefined;
      const generation = Number(digits);
      const given = Buffer.from(signature, 'base64url');
      const expected = sign(sessionId, clientId, generation);
      return given.length === expected.length && timingSafeEqual(given, expected)
        ? generation
        : undefined;
    },
  };
}
