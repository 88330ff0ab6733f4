/** What the routes to intervals.icu answer when they do not do what was asked: RFC 9457 with a stable code. */
import type { FastifyInstance } from 'fastify';

/** Codes never change their meaning. */
export type IntervalsProblemCode =
  | 'bad-request'
  | 'intervals-key-refused'
  | 'intervals-athlete-unknown'
  | 'intervals-file-refused'
  | 'intervals-away'
  | 'intervals-busy';

/**
 * Status and title of each. INTERVALS.md's table is checked against this one. Nothing here is 5xx: what goes wrong elsewhere is no
 * fault of this instance, by which a deploy is judged, and no reason for a proxy to ask another one.
 */
export const intervalsProblems: Readonly<
  Record<IntervalsProblemCode, readonly [status: number, title: string]>
> = {
  'bad-request': [400, 'The request is not as the documentation says.'],
  'intervals-key-refused': [401, 'intervals.icu does not take that key.'],
  'intervals-athlete-unknown': [404, 'intervals.icu does not know that athlete.'],
  'intervals-file-refused': [422, 'intervals.icu does not take that file.'],
  'intervals-away': [424, 'intervals.icu did not answer as it should; try again.'],
  'intervals-busy': [429, 'intervals.icu takes no more requests just now.'],
};

interface ProblemMore {
  readonly detail?: string;
  /** Seconds. */
  readonly retryAfterS?: number;
  /** For the operator: what came in the place of an answer. Nothing of the request is in it. */
  readonly reason?: string;
}

/** A route cannot do what was asked. */
export class IntervalsProblemError extends Error {
  override readonly name = 'IntervalsProblemError';
  readonly code: IntervalsProblemCode;
  readonly more: ProblemMore;

  constructor(code: IntervalsProblemCode, more: ProblemMore = {}) {
    super(intervalsProblems[code][1]);
    this.code = code;
    this.more = more;
  }
}

/** Answers what these routes throw; what is not theirs goes to whoever answers for accounts. */
export function installIntervalsProblems(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    if (!(error instanceof IntervalsProblemError)) throw error;
    const { code, more } = error;
    const { detail, retryAfterS, reason } = more;
    if (reason !== undefined) request.log.warn({ reason }, 'intervals.icu is in trouble');
    if (retryAfterS !== undefined) void reply.header('retry-after', retryAfterS);
    const [status, title] = intervalsProblems[code];
    const body = { type: 'about:blank', title, status, code, ...(detail && { detail }) };
    return reply.code(status).type('application/problem+json').send(JSON.stringify(body));
  });
}
