/** One request to an account's route, and what its answer is read by. */

/** The service's own sentence on why not; `code` is its stable code, or `unreachable`. */
export class AccountError extends Error {
  override readonly name = 'AccountError';
  readonly code: string;

  constructor(code: string, sentence: string) {
    super(sentence);
    this.code = code;
  }
}

/** Milliseconds after which a request is given up: what waits for it, in other tabs too, must be able to go on. */
const requestMaxMs = 30_000;

export type Body = Readonly<Record<string, unknown>>;

/** Rejects with AccountError. */
export async function ask(
  method: string,
  path: string,
  body?: Body,
  token?: string,
): Promise<Body> {
  const headers = {
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  const signal = AbortSignal.timeout(requestMaxMs);
  const request = {
    method,
    headers,
    signal,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  };
  const response = await fetch(path, request).catch(() => {
    throw new AccountError('unreachable', 'The service cannot be reached.');
  });
  const answer: unknown = await response.json().catch(() => ({}));
  const read = isBody(answer) ? answer : {};
  if (response.ok) return read;
  const sentence = text(read, 'detail') || text(read, 'title');
  throw new AccountError(
    text(read, 'code'),
    sentence || `The service answered ${response.status}.`,
  );
}

function isBody(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function text(body: Body, name: string): string {
  const value = body[name];
  return typeof value === 'string' ? value : '';
}

export function list(body: Body, name: string): readonly Body[] {
  const value = body[name];
  return Array.isArray(value) ? value.filter(isBody) : [];
}
