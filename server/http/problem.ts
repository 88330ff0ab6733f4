/** Errors over HTTP: RFC 9457 `application/problem+json` with a stable `code`. The one place where they are written. */
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';

import { FencedError } from '../session/claim-session.ts';
import { StoreUnavailableError } from '../store/journal.ts';

/** Codes of HTTP answers; they never change their meaning. */
export type ProblemCode =
  | 'bad-request'
  | 'unauthorized'
  | 'token-retired'
  | 'session-unknown'
  | 'session-gone'
  | 'schema-too-new'
  | 'not-found'
  | 'body-too-large'
  | 'store-unavailable'
  | 'draining'
  | 'internal';

const statuses: Readonly<Record<ProblemCode, readonly [status: number, title: string]>> = {
  'bad-request': [400, 'The request is not as the documentation says.'],
  unauthorized: [401, 'The resume token is missing or not for this session.'],
  'token-retired': [401, 'A newer resume token was used already.'],
  'session-unknown': [404, 'There is no such session.'],
  'session-gone': [410, 'The time of the session is over.'],
  'schema-too-new': [503, 'Another instance serves that schema version; try again.'],
  'not-found': [404, 'There is nothing here.'],
  'body-too-large': [413, 'The body is too large.'],
  'store-unavailable': [503, 'The stores cannot be asked now; try again.'],
  draining: [503, 'This instance is shutting down; try again.'],
  internal: [500, 'Something went wrong on our side.'],
};

/** Seconds a client should wait before it tries a 503 again. */
const retryAfterS = 1;

/** `more`: members of this problem's own. */
export function sendProblem(
  reply: FastifyReply,
  code: ProblemCode,
  detail?: string,
  more: object = {},
): FastifyReply {
  const [status, title] = statuses[code];
  if (status === 503) void reply.header('retry-after', retryAfterS);
  const body = {
    type: 'about:blank',
    title,
    status,
    code,
    ...(detail === undefined ? {} : { detail }),
    ...more,
  };
  return reply.code(status).type('application/problem+json').send(JSON.stringify(body));
}

/** Answers what nothing stands at below a prefix. [P1] */
export async function installNotFound(app: FastifyInstance, prefix: string): Promise<void> {
  await app.register(
    (below, _options, done) => {
      below.setNotFoundHandler((_request, reply) => sendProblem(reply, 'not-found'));
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
      return sendProblem(reply, 'bad-request', error.message);
    request.log.error({ err: error }, 'a route failed');
    return sendProblem(reply, 'internal');
  });
}
