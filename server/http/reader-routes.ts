/** Links that let somebody look at a session: given out by a client of it, good for reading only, and taken back for good. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import * as v from 'valibot';

import { idSchema } from '../../shared/protocol/frames.ts';
import { provenGeneration, revokedGeneration } from '../../shared/session/fold.ts';
import type { ReaderTokens } from '../auth/reader-tokens.ts';
import { revokeClient } from '../session/revoke-client.ts';
import { sendProblem } from './problem.ts';
import {
  bearerOf,
  readSession,
  sendSession,
  sessionPath,
  snapshotFor,
  type SessionAnswer,
  type SessionRoutesParts,
} from './session-routes.ts';

export interface ReaderRoutesParts extends SessionRoutesParts {
  readonly readers: ReaderTokens;
}

/** Unlike any client's: whoever may take links back must not put a client out by that. */
const readerIdForm = /^r_[A-Za-z0-9_-]{22}$/;
const readerParams = v.object({
  session_id: idSchema,
  reader_id: v.pipe(v.string(), v.regex(readerIdForm)),
});

export function installReaderRoutes(app: FastifyInstance, parts: ReaderRoutesParts): void {
  app.post(`${sessionPath}/readers`, async (request, reply) => {
    const answer = await readSession(parts, request);
    if (answer.kind !== 'snapshot') return sendSession(reply, answer);
    const { session_id: sessionId } = request.params as { session_id: string };
    const readerId = `r_${parts.newId()}`;
    const base = parts.publicUrl ?? `${request.protocol}://${request.host}`;
    const token = parts.readers.issue(sessionId, readerId);
    return reply.code(201).send({
      reader_id: readerId,
      read_url: `${base}/v1/sessions/${sessionId}/readers/${readerId}#${token}`,
    });
  });
  app.get('/v1/sessions/:session_id/readers/:reader_id', async (request, reply) => {
    const answer = await readAsReader(parts, request);
    if (answer.kind !== 'snapshot') return sendSession(reply, answer);
    const { epoch, offset } = answer.body;
    const tag = `"${epoch}.${offset}"`;
    void reply.header('etag', tag);
    // Somebody who looks every second gets the whole of it only when there is something new.
    if (request.headers['if-none-match'] === tag) return reply.code(304).send();
    return sendSession(reply, answer);
  });
  app.delete(`${sessionPath}/readers/:reader_id`, async (request, reply) => {
    if (parts.isDraining()) return sendProblem(reply, 'draining');
    const answer = await readSession(parts, request);
    if (answer.kind !== 'snapshot') return sendSession(reply, answer);
    const params = v.safeParse(readerParams, request.params);
    if (!params.success) return sendProblem(reply, 'not-found');
    const { session_id: sessionId, reader_id: readerId } = params.output;
    const found = await revokeClient(parts, sessionId, readerId);
    if (found === 'revoked') return reply.code(204).send();
    return sendProblem(reply, typeof found === 'string' ? found : 'session-unknown');
  });
}

/** The token is proven before anything is looked up. [A2] */
async function readAsReader(
  parts: ReaderRoutesParts,
  request: FastifyRequest,
): Promise<SessionAnswer> {
  const params = v.safeParse(readerParams, request.params);
  const token = bearerOf(request);
  if (!params.success) return { kind: 'problem', code: 'session-unknown' };
  const { session_id: sessionId, reader_id: readerId } = params.output;
  if (token === undefined || !parts.readers.isProven(sessionId, readerId, token))
    return { kind: 'problem', code: 'unauthorized' };
  return snapshotFor(parts, { sessionId, clientId: readerId }, (snapshot) =>
    provenGeneration(snapshot, readerId) === revokedGeneration ? 'token-revoked' : undefined,
  );
}
