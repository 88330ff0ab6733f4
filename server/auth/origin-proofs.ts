/**
 * Signs what a session began with. Should every store lose it, a client brings it back, and nobody can say that it began otherwise;
 * nor is one brought back whose time is over anyway. [R12]
 */
import { createHash, createHmac, createSecretKey } from 'node:crypto';

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

/** `secret`: the same on every instance, 32 characters or more. */
export function originProofs(secret: string): OriginProofs {
  const key = createSecretKey(Buffer.from(secret));
  const sign = ({ sessionId, kind, input }: Origin, beganMs: number): string => {
    const digest = createHash('sha256')
      .update(JSON.stringify(input) ?? '')
      .digest('base64url');
    const text = `origin:${sessionId}:${kind}:${beganMs}:${digest}`;
    return `o1.${beganMs}.${createHmac('sha256', key).update(text).digest('base64url')}`;
  };
  return {
    issue: sign,
    prove: (origin, proof) => {
      const [, digits] = form.exec(proof) ?? [];
      if (digits === undefined) return undefined;
      // It guards one session against clients that hold its token: how long the comparison takes tells them nothing of worth.
      return sign(origin, Number(digits)) === proof ? Number(digits) : undefined;
    },
  };
}
