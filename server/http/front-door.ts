/** What every request meets before its route: whose page sent it, and the headers every answer has. [F1] [F2] */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import type { Origins } from '../admission/origins.ts';
import { sendProblem } from './problem.ts';

/** Answers are data for programs: nothing of them is shown, kept, framed or run by a browser. */
const headers = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  vary: 'Origin',
};

/** Seconds a browser may go by the answer to a preflight. */
const preflightS = 600;

export function installFrontDoor(app: FastifyInstance, origins: Origins): void {
  app.addHook('onRequest', (request, reply, next) => {
    void reply.headers(headers);
    const { origin } = request.headers;
    if (origin === undefined) return next();
    if (!origins.allows(origin, request.host)) {
      sendProblem(reply, 'origin-not-allowed');
      return;
    }
    void reply.header('access-control-allow-origin', origin);
    void reply.header('access-control-expose-headers', 'retry-after');
    if (isPreflight(request)) sendPreflight(reply);
    else next();
  });
}

function isPreflight({ method, headers: asked }: FastifyRequest): boolean {
  return method === 'OPTIONS' && asked['access-control-request-method'] !== undefined;
}

/** No credentials: proof is in the Authorization header and in frames, never in a cookie of ours that a page could ride on. */
function sendPreflight(reply: FastifyReply): void {
  void reply
    .code(204)
    .headers({
      'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers': 'authorization, content-type',
      'access-control-max-age': preflightS,
    })
    .send();
}
