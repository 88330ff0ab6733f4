/** An account's sessions: listed, read, named, deleted, claimed by who began one without an account, taken up on another device. */
import type { FastifyInstance, FastifyRequest } from 'fastify';

import { askerOf } from './access.ts';
import type { AccountParts } from './account-parts.ts';
import { AccountProblemError } from './account-problems.ts';
import { takeTries } from './account-rates.ts';
import type { OwnedSession } from './owned-session-book.ts';
import { bodies, idParam, readBody, taking } from './request-bodies.ts';

const place = '/v1/accounts/me/sessions';

export function installOwnedSessionRoutes(app: FastifyInstance, parts: AccountParts): void {
  const { logins, owned, sessions } = parts;
  app.get(place, async (request, reply) => {
    const { identity } = await askerOf(parts, request);
    return reply.send({ sessions: (await owned.list(identity.accountId)).map(listed) });
  });
  app.post(place, taking(bodies.claim), async (request, reply) => {
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
  app.post(`${place}/:session_id/clients`, async (request, reply) => {
    const { identity, sessionId } = await ownSession(parts, request);
    const base = parts.publicUrl ?? originOf(request);
    const { clientId, resumeUrl } = sessions.admit(sessionId, base);
    if (!(await logins.own(identity, { sessionId, clientId })))
      throw new AccountProblemError('session-unknown');
    return reply
      .code(201)
      .send({ session_id: sessionId, client_id: clientId, resume_url: resumeUrl });
  });
  installReading(app, parts);
  app.patch(`${place}/:session_id`, taking(bodies.name), async (request, reply) => {
    const { identity } = await askerOf(parts, request);
    const { name } = readBody(bodies.name, request);
    if (!(await owned.rename(identity.accountId, idParam(request, 'session_id'), name)))
      throw new AccountProblemError('session-unknown');
    return reply.code(204).send();
  });
  app.delete(`${place}/:session_id`, async (request, reply) => {
    const { identity } = await askerOf(parts, request);
    const sessionId = idParam(request, 'session_id');
    if (!(await owned.remove(identity.accountId, sessionId, sessions.tombstoneMs)))
      throw new AccountProblemError('session-unknown');
    await sessions.forget([sessionId]);
    return reply.code(204).send();
  });
}

/** For who looks at one without taking it up: no client of it comes about by that. */
function installReading(app: FastifyInstance, parts: AccountParts): void {
  const { limit, rates, sessions } = parts;
  app.get(`${place}/:session_id`, async (request, reply) => {
    const { sessionId } = await ownSession(parts, request);
    const found = await sessions.read(sessionId);
    if (found === undefined) throw new AccountProblemError('session-unknown');
    return reply.send(found);
  });
  app.get(`${place}/:session_id/entries`, async (request, reply) => {
    const { identity, sessionId } = await ownSession(parts, request);
    await takeTries(limit, [rates.historyByAccount, identity.accountId]);
    return reply.send({ entries: await sessions.history(sessionId) });
  });
}

/** Throws AccountProblemError. */
async function ownSession(parts: AccountParts, request: FastifyRequest) {
  const { identity } = await askerOf(parts, request);
  const sessionId = idParam(request, 'session_id');
  if (!(await parts.owned.owns(identity.accountId, sessionId)))
    throw new AccountProblemError('session-unknown');
  return { identity, sessionId };
}

function listed({ sessionId, kind, name, createdAt, expiresAt, ended }: OwnedSession): object {
  return {
    session_id: sessionId,
    kind,
    ...(name !== undefined && { name }),
    created_at: createdAt.toISOString(),
    expires_at: expiresAt.toISOString(),
    ...(ended && { ended: { reason: ended.reason, at: ended.at.toISOString() } }),
  };
}

/** The name goes into an address that is handed on: it must at least look like a host. */
function originOf(request: FastifyRequest): string {
  if (!/^[\w.-]+(:\d+)?$|^\[[\da-f:.]+\](:\d+)?$/i.test(request.host))
    throw new AccountProblemError('bad-request', { detail: 'The Host header is not a host.' });
  return `${request.protocol}://${request.host}`;
}
