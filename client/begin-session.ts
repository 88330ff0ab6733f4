/** How a session begins: on this device at once, and at the service by a request that is repeated until it is answered. [R13] */
import * as v from 'valibot';

import type { Clock } from '../shared/clock.ts';
import { closeCodes } from '../shared/protocol/close-codes.ts';
import { abnormalClosure } from './link.ts';
import { idOf, newId } from './new-id.ts';
import type { StoredSession } from './session-storage.ts';

/** The service did not begin a session; `code` is the stable code of its answer, or `unreachable`. */
export class SessionNotCreatedError extends Error {
  override readonly name = 'SessionNotCreatedError';
  readonly code: string;
  /** Of the service's answer; 0 when it gave none. */
  readonly status: number;
  constructor(code: string, sentence: string, status: number, cause?: unknown) {
    super(sentence, { cause });
    this.code = code;
    this.status = status;
  }
}

/** What the service's answer changes of a session that began here. */
type Begun = Pick<StoredSession, 'sessionId' | 'url' | 'token' | 'origin' | 'key'>;

/** Milliseconds for an answer before a session goes on as one that the service does not know yet. */
const answerMaxMs = 5_000;

/** Milliseconds after which a request is given up: in a network that swallows everything they would pile up before the one that gets through. */
const requestMaxMs = 30_000;

const created = v.object({ resume_url: v.string(), origin: v.optional(v.string()) });
const problem = v.object({ code: v.string(), title: v.string() });

/** Where a `resume_url` leads, and the token in it. */
export function readResumeUrl(
  resumeUrl: string,
): Pick<StoredSession, 'sessionId' | 'clientId' | 'url' | 'token'> {
  const { origin, pathname, hash } = new URL(resumeUrl);
  const [, sessionId, clientId] = /\/v1\/sessions\/([^/]+)\/clients\/([^/]+)$/.exec(pathname) ?? [];
  if (sessionId === undefined || clientId === undefined)
    throw new TypeError('That is not the resume_url of a session.');
  return { sessionId, clientId, url: `${origin}${pathname}`, token: hash.slice(1) };
}

/** The id the service will give a session that is asked for by that key; any other one where a page is not served securely. */
export async function keyedId(
  key: string,
  { kind, clientId, input }: { kind: string; clientId: string; input: unknown },
): Promise<string> {
  const text = new TextEncoder().encode(JSON.stringify([key, kind, clientId, input]));
  const digest = await crypto.subtle?.digest('SHA-256', text);
  return digest === undefined ? newId() : idOf(new Uint8Array(digest, 0, 16));
}

/** Asks the service for a session that began here; asking again is safe. Rejects with SessionNotCreatedError. */
export async function askForSession(
  { url, input, clientId, key }: Pick<StoredSession, 'url' | 'input' | 'clientId' | 'key'>,
  kind: string,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): Promise<Begun> {
  const request = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ kind, input, client_id: clientId, key }),
    signal: AbortSignal.timeout(requestMaxMs),
  };
  const response = await fetch(new URL('/v1/sessions', url), request).catch((cause: unknown) => {
    throw unreachable(cause);
  });
  const body: unknown = await response.json().catch(() => undefined);
  const answer = v.safeParse(v.union([problem, created]), body);
  // A network that answers in the service's place has said nothing about the session.
  if (!answer.success) throw unreachable();
  const { output } = answer;
  if ('code' in output)
    throw new SessionNotCreatedError(output.code, output.title, response.status);
  const { sessionId, url: place, token } = readResumeUrl(output.resume_url);
  return { sessionId, url: place, token, origin: output.origin, key: undefined };
}

/** Whether the service may still say yes to the same request: it was not reached, or is in trouble itself. */
export const isPassing = ({ status }: SessionNotCreatedError): boolean =>
  status === 0 || status >= 500;

/** What a connection ends with whose session the service did not take: it is asked again later, unless it will always say the same. */
export function closeCodeOf(error: unknown): number {
  const status = error instanceof SessionNotCreatedError ? error.status : 0;
  return [400, 403, 413].includes(status) ? closeCodes.protocolError : abnormalClosure;
}

/** The answer, unless it takes longer than somebody waits to begin. */
export function promptly<Answer>(clock: Clock, answer: Promise<Answer>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(answerMaxMs, () => reject(unreachable()));
    void answer.then(resolve, reject).then(cancel);
  });
}

function unreachable(cause?: unknown): SessionNotCreatedError {
  return new SessionNotCreatedError('unreachable', 'The service cannot be reached.', 0, cause);
}
