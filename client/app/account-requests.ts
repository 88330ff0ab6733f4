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

/** Milliseconds after which a request without an answer is given up: what waits for it, in other tabs too, must be able to go on. */
const answerMaxMs = 30_000;

/** Milliseconds for what an answer brings: a long ride is megabytes, and a phone's network may be slow. */
const bodyMaxMs = 300_000;

export type Body = Readonly<Record<string, unknown>>;

export interface AskedBesides {
  readonly authorization?: string;
  /** Milliseconds until an answer begins, for what goes further than to the service. */
  readonly maxMs?: number;
}

/** Rejects with AccountError. */
export async function ask(
  method: string,
  path: string,
  body?: Body,
  { authorization, maxMs = answerMaxMs }: AskedBesides = {},
): Promise<Body> {
  const headers = {
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(authorization !== undefined && { authorization }),
  };
  const giveUp = new AbortController();
  const request = {
    method,
    headers,
    signal: giveUp.signal,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  };
  const response = await within(maxMs, giveUp, fetch(path, request));
  const read = readBody(await within(bodyMaxMs, giveUp, response.text()));
  // Only what was to be done may be answered with nothing.
  const mayBeEmpty = method !== 'GET' && (response.status === 202 || response.status === 204);
  if (response.ok && (mayBeEmpty || read !== undefined)) return read ?? {};
  // A network that answers in the service's place says nothing about the account: an empty list would take workouts from the device.
  if (response.ok) throw unreachable();
  const sentence = read && (text(read, 'detail') || text(read, 'title'));
  throw new AccountError(
    read === undefined ? '' : text(read, 'code'),
    sentence || `The service answered ${response.status}.`,
  );
}

/** The part of an answer, unless it takes longer. Rejects with AccountError. */
async function within<Part>(
  maxMs: number,
  giveUp: AbortController,
  part: Promise<Part>,
): Promise<Part> {
  const late = AbortSignal.timeout(maxMs);
  const abort = (): void => giveUp.abort();
  late.addEventListener('abort', abort);
  try {
    return await part;
  } catch {
    throw unreachable();
  } finally {
    late.removeEventListener('abort', abort);
  }
}

const unreachable = (): AccountError =>
  new AccountError('unreachable', 'The service cannot be reached.');

function readBody(text: string): Body | undefined {
  try {
    const read: unknown = JSON.parse(text);
    return isBody(read) ? read : undefined;
  } catch {
    return undefined;
  }
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
  // Whoever answers without the list is not the service.
  if (!Array.isArray(value)) throw unreachable();
  return value.filter(isBody);
}
