/**
 * Signs what a session began with. Should every store lose it, a client brings it back, and nobody can say that it began otherwise;
 * nor is one brought back whose time is over anyway. [R12]
 */
import { createHash } from 'node:crypto';

import type { SigningKeys } from './signing-keys.ts';

export interface Origin {
  readonly sessionId: string;
  readonly kind: string;
  /** As it was given; the text of it as JSON counts. */
  readonly input: unknown;
}

export interface OriginProofs {
  readonly issue: (origin: Origin, nowMs: number) => string;
  /** When the session began, in ms since the Unix epoch, or undefined when that is no proof for it. */
  readonly prove: (origin: Origin, proof: string) => number | undefined;
}

const form = /^o1\.([1-9][0-9]{0,15})\.([A-Za-z0-9_-]{43})$/;

export function originProofs(keys: SigningKeys): OriginProofs {
  return {
    issue: (origin, beganMs) => `o1.${beganMs}.${keys.sign(signedText(origin, beganMs))}`,
    prove: (origin, proof) => {
      const [, digits, signature] = form.exec(proof) ?? [];
      if (digits === undefined || signature === undefined) return undefined;
      const beganMs = Number(digits);
      return keys.isSigned(signedText(origin, beganMs), signature) ? beganMs : undefined;
    },
  };
}

function signedText({ sessionId, kind, input }: Origin, beganMs: number): string {
  const digest = createHash('sha256')
    .update(JSON.stringify(input) ?? '')
    .digest('base64url');
  return `origin:${sessionId}:${kind}:${beganMs}:${digest}`;
}
