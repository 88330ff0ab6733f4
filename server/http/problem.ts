/** Errors over HTTP: RFC 9457 `application/problem+json` with a stable `code`. The one place where they are written. */
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';

import { FencedError } from '../session/claim-session.ts';
import { StoreUnavailableError } from '../store/journal.ts';

/** Codes of HTTP answers; they never change their meaning. */
export type ProblemCode =
  | 'bad-request'
  | 'unauthorized'
  | 'token-retired'
  | 'token-revoked'
  | 'origin-not-allowed'
  | 'access-refused'
  | 'session-unknown'
  | 'session-gone'
  | 'schema-too-new'
  | 'not-found'
  | 'request-timeout'
  | 'body-too-large'
  | 'too-many-connections'
  | 'too-many-sessions'
  | 'headers-too-large'
  | 'overloaded'
  | 'store-unavailable'
  | 'draining'
  | 'internal';

const statuses: Readonly<Record<ProblemCode, readonly [status: number, title: string]>> = {
  'bad-request': [400, 'The request is not as the documentation says.'],
  unauthorized: [401, 'The resume token is missing or not for this session.'],
  'token-retired': [401, 'A newer resume token was used already.'],
  'token-revoked': [401, 'This client gave up its right to the session.'],
  'origin-not-allowed': [403, 'Pages of that site may not use this service.'],
  'access-refused': [401, 'The access token is missing, has expired, or its login has ended.'],
  'session-unknown': [404, 'There is no such session.'],
  'session-gone': [410, 'The time of the session is over.'],
  'schema-too-new': [503, 'Another instance serves that schema version; try again.'],
  'not-found': [404, 'There is nothing here.'],
  'request-timeout': [408, 'The request did not come in time.'],
  'body-too-large': [413, 'The body is too large.'],
  'too-many-connections': [429, 'There are too many connections from your address.'],
  'too-many-sessions': [429, 'Too many sessions were begun; try again later.'],
  'headers-too-large': [431, 'The headers are too large.'],
  overloaded: [503, 'This instance has as many connections as it takes; try again.'],
  'store-unavailable': [503, 'The stores cannot be asked now; try again.'],
  draining: [503, 'This instance is shutting down; try again.'],
  internal: [500, 'Something went wrong on our side.'],
};

/** Seconds a client should wait before it tries again what was refused for no fault of its request. */
const retryAfterS = 1;

/** What a problem says beyond its code. */
interface ProblemMore {
  readonly detail?: string;
  /** Seconds; one where the status asks for it and nothing better is known. */
  readonly retryAfter?: number;
  /** Members of this problem's own. */
  readonly members?: object;
}

export function sendProblem(
  reply: FastifyReply,
  code: ProblemCode,
  { detail, retryAfter = retryAfterS, members }: ProblemMore = {},
): FastifyReply {
  const status = statusOf(code);
  if (status === 503 || status === 429) void reply.header('retry-after', retryAfter);
  const body = problemBody(code, detail, members);
  return reply.code(status).type('application/problem+json').send(body);
}

export function statusOf(code: ProblemCode): number {
  return statuses[code][0];
}

export function problemBody(code: ProblemCode, detail?: string, members: object = {}): string {
  const [status, title] = statuses[code];
  const more = detail === undefined ? {} : { detail };
  return JSON.stringify({ type: 'about:blank', title, status, code, ...more, ...members });
}

/** Answers what nothing stands at below a prefix. [P1] */
export async function installNotFound(app: FastifyInstance, prefix: string): Promise<void> {
  await app.register(
    (below, _options, done) => {
      below.setNotFoundHandler((_request, reply) => sendProblem(reply, 'not-found'));
      // A route as well: an app that serves files has one for everything, which would take what belongs here.
      below.get('/*', (_request, reply) => reply.callNotFound());
      done();
    },
    { prefix },
  );
}

/** Answers everything that routes of this context throw. */
export function installProblems(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error instanceof StoreUnavailableError) return sendProblem(reply, 'store-unavailable');
    if (error instanceof FencedError) return sendProblem(reply, 'store-unavailable');
    if (error.statusCode === 413) return sendProblem(reply, 'body-too-large');
    // Fastify's own messages about a request say what is wrong with it and nothing about us.
    if (error.statusCode !== undefined && error.statusCode < 500)
      return sendProblem(reply, 'bad-request', { detail: error.message });
    request.log.error({ err: error }, 'a route failed');
    return sendProblem(reply, 'internal');
  });
}
