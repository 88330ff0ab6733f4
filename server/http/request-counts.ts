/** How many requests were answered, with what, and how fast: a few additions for each. */
import type { FastifyInstance } from 'fastify';

import { durationHistogram, type DurationHistogram } from '../telemetry/duration-histogram.ts';

export interface RequestCounts {
  /** Answers by the first digit of their status, 1 to 5. */
  readonly byClass: readonly number[];
  readonly durations: Pick<DurationHistogram, 'samples'>;
}

/** From what a cache answers to what somebody gives up on. */
const boundsMs = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000];

export function countRequests(app: FastifyInstance): RequestCounts {
  const byClass = [0, 0, 0, 0, 0, 0];
  const durations = durationHistogram(boundsMs);
  app.addHook('onResponse', (_request, reply, done) => {
    const digit = Math.floor(reply.statusCode / 100);
    byClass[digit] = (byClass[digit] ?? 0) + 1;
    durations.observe(reply.elapsedTime);
    done();
  });
  return { byClass, durations };
}
