/** An account's sessions: listed, claimed by who began one without an account, taken up on another device. */
import type { FastifyInstance, FastifyRequest } from 'fastify';

import { askerOf } from './access.ts';
import type { AccountParts } from './account-parts.ts';
import { AccountProblemError } from './account-problems.ts';
import { bodies, idParam, readBody, taking } from './request-bodies.ts';

export function installOwnedSessionRoutes(app: FastifyInstance, parts: AccountParts): void {
  const { logins, sessions } = parts;
  app.get('/v1/accounts/me/sessions', async (request, reply) => {
    const { identity } = await askerOf(parts, request);
    const owned = await logins.listSessions(identity.accountId);
    const listed = owned.map(({ sessionId, kind, createdAt, expiresAt, ended }) => ({
      session_id: sessionId,
      kind,
      created_at: createdAt.toISOString(),
      expires_at: expiresAt.toISOString(),
      ...(ended && { ended: { reason: ended.reason, at: ended.at.toISOString() } }),
    }));
    return reply.send({ sessions: listed });
  });
  app.post('/v1/accounts/me/sessions', taking(bodies.claim), async (request, reply) => {
    const { identity } = await askerOf(parts, request);
    const body = readBody(bodies.claim, request);
    const { session_id: sessionId, client_id: clientId, token } = body;
    const proof = await sessions.prove(sessionId, clientId, token);
    if (proof === 'session-unknown') throw new AccountProblemError('session-unknown');
    // One answer whether the token is wrong or the session another's: nothing is told to who cannot prove it.
    if (proof === 'refused') throw new AccountProblemError('session-taken');
    if (!(await logins.own(identity, { sessionId, clientId })))
      throw new AccountProblemError('session-taken');
    return reply.code(204).send();
  });
  app.post('/v1/accounts/me/sessions/:session_id/clients', async (request, reply) => {
    const { identity } = await askerOf(parts, request);
    const sessionId = idParam(request, 'session_id');
    if (!(await logins.owns(identity.accountId, sessionId)))
      throw new AccountProblemError('session-unknown');
    const base = parts.publicUrl ?? originOf(request);
    const { clientId, resumeUrl } = sessions.admit(sessionId, base);
    if (!(await logins.own(identity, { sessionId, clientId })))
      throw new AccountProblemError('session-unknown');
    return reply
      .code(201)
      .send({ session_id: sessionId, client_id: clientId, resume_url: resumeUrl });
  });
}

/** The name goes into an address that is handed on: it must at least look like a host. */
function originOf(request: FastifyRequest): string {
  if (!/^[\w.-]+(:\d+)?$|^\[[\da-f:.]+\](:\d+)?$/i.test(request.host))
    throw new AccountProblemError('bad-request', { detail: 'The Host header is not a host.' });
  return `${request.protocol}://${request.host}`;
}
