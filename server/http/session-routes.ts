/** Sessions over HTTP: create one, read one, give one up. The WebSocket of a session stands at the same URL as its snapshot. */
import { createHash } from 'node:crypto';

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import * as v from 'valibot';

import { isoTime, type Clock } from '../../shared/clock.ts';
import { idSchema, type Snapshot } from '../../shared/protocol/frames.ts';
import { bodyBytesMax, retentionMs } from '../../shared/protocol/limits.ts';
import { genesis, provenGeneration, revokedGeneration } from '../../shared/session/fold.ts';
import type { AnyModel } from '../../shared/session/session-model.ts';
import type { OriginProofs } from '../auth/origin-proofs.ts';
import type { ResumeTokens } from '../auth/resume-tokens.ts';
import { revokeClient } from '../session/revoke-client.ts';
import type { SessionRegistry } from '../session/session-registry.ts';
import type { EndReason, Gone, SessionCatalog } from '../store/journal.ts';
import { sendProblem } from './problem.ts';
import type { SessionOwners } from './session-owners.ts';

export interface SessionRoutesParts {
  readonly models: ReadonlyMap<string, AnyModel>;
  readonly catalog: SessionCatalog;
  readonly registry: SessionRegistry;
  readonly tokens: ResumeTokens;
  readonly origins: OriginProofs;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly newClientId: () => string;
  /** Where clients reach this service; without it the request's own host counts. */
  readonly publicUrl: string | undefined;
  readonly isDraining: () => boolean;
  /** Counts a session whoever asks is about to begin; returns seconds to wait when it is one too many. [F5] */
  readonly takeBeginning: (request: FastifyRequest) => Promise<number | undefined>;
  readonly begins: SessionOwners['begins'];
}

/** The path of a session for one client; nothing in it is secret. [A1] */
export const sessionPath = '/v1/sessions/:session_id/clients/:client_id';

/**
 * Whoever only tries a release out says so: its session is over when it has been read. One that stayed would count among those that a
 * release before cannot own, and keep everybody from going back to it. Not one with a key, which may be there already, and lasts.
 */
const trialHeader = 'trackstand-trial';
/** Above what the few requests of a trial are given to be answered. */
const trialMs = 15_000;

const creation = v.pipe(
  v.object({
    kind: v.string(),
    input: v.unknown(),
    client_id: v.optional(idSchema),
    key: v.optional(idSchema),
  }),
  v.check(({ client_id: clientId, key }) => key === undefined || clientId !== undefined),
);
export const sessionParams = v.object({ session_id: idSchema, client_id: idSchema });

export function installSessionRoutes(app: FastifyInstance, parts: SessionRoutesParts): void {
  const options = { bodyLimit: bodyBytesMax, config: { body: creation } };
  app.post('/v1/sessions', options, async (request, reply) => {
    if (parts.isDraining()) return sendProblem(reply, 'draining');
    const body = v.safeParse(creation, request.body);
    if (!body.success)
      return sendProblem(reply, 'bad-request', {
        detail: 'The body is {kind, input, client_id?, key?}; a key needs a client_id.',
      });
    const model = parts.models.get(body.output.kind);
    if (model === undefined)
      return sendProblem(reply, 'bad-request', {
        detail: 'There is no session kind of that name here.',
      });
    const input = model.parseInput(body.output.input);
    if (!input.ok) return sendProblem(reply, 'bad-request', { detail: `input: ${input.problem}` });
    // The name goes into an address that is handed on; without a public one it must at least look like a host.
    if (
      parts.publicUrl === undefined &&
      !/^[\w.-]+(:\d+)?$|^\[[\da-f:.]+\](:\d+)?$/i.test(request.host)
    )
      return sendProblem(reply, 'bad-request', { detail: 'The Host header is not a host.' });
    const beginning = await parts.begins(request.headers.authorization);
    if (beginning.kind === 'refused') return sendProblem(reply, 'access-refused');
    if (beginning.kind === 'limited')
      return sendProblem(reply, 'too-many-sessions', { retryAfter: beginning.retryAfterS });
    const isNobody = beginning.kind === 'nobody';
    const retryAfter = isNobody ? await parts.takeBeginning(request) : undefined;
    if (retryAfter !== undefined) return sendProblem(reply, 'too-many-sessions', { retryAfter });
    const sessionId = keyedId(body.output) ?? parts.newId();
    const clientId = body.output.client_id ?? parts.newClientId();
    const snapshot = genesis(model, input.value);
    const isTrial = request.headers[trialHeader] !== undefined && body.output.key === undefined;
    const lastsMs = isTrial ? trialMs : retentionMs;
    const session = { sessionId, epoch: '0', snapshot, retentionMs: lastsMs };
    const outcome = await parts.catalog.create(session);
    if (outcome === 'above-ceiling') return sendProblem(reply, 'schema-too-new');
    if (beginning.kind === 'owner') await beginning.own(sessionId, clientId);
    const token = parts.tokens.issue(sessionId, clientId, 1);
    const nowMs = parts.clock.nowMs();
    const base = parts.publicUrl ?? `${request.protocol}://${request.host}`;
    return reply.code(201).send({
      client_id: clientId,
      session_id: sessionId,
      resume_url: `${base}/v1/sessions/${sessionId}/clients/${clientId}#${token}`,
      // Of what was given, not of what it was read as: the client has no other. [R12]
      origin: parts.origins.issue({ sessionId, ...body.output }, nowMs),
      expires_at: isoTime(nowMs + lastsMs),
    });
  });
  app.delete(sessionPath, async (request, reply) => {
    if (parts.isDraining()) return sendProblem(reply, 'draining');
    const proof = proveClient(parts, request);
    if (typeof proof === 'string') return sendProblem(reply, proof);
    const { sessionId, clientId, generation } = proof;
    const found = await revokeClient(parts, sessionId, clientId, generation);
    if (found === 'revoked') return reply.code(204).send();
    if (typeof found === 'string') return sendProblem(reply, found);
    return sendProblem(reply, 'session-gone', { members: epitaph(found, clientId) });
  });
}

/**
 * The id of a session that was asked for by a key. Nobody who does not know the key can ask for it, and nothing needs to be looked up:
 * the same request has the same id at every instance, and a session that is there already stays as it is. [R13]
 */
function keyedId(asked: v.InferOutput<typeof creation>): string | undefined {
  const { key, kind, client_id: clientId, input } = asked;
  if (key === undefined) return undefined;
  const text = JSON.stringify([key, kind, clientId, input]);
  return createHash('sha256').update(text).digest().subarray(0, 16).toString('base64url');
}

interface Proof {
  readonly sessionId: string;
  readonly clientId: string;
  readonly generation: number;
}

/** Nothing is looked up for someone who cannot prove the token. [A2] */
function proveClient(
  { tokens }: SessionRoutesParts,
  request: FastifyRequest,
): Proof | 'unauthorized' | 'session-unknown' {
  const params = v.safeParse(sessionParams, request.params);
  if (!params.success) return 'session-unknown';
  const { session_id: sessionId, client_id: clientId } = params.output;
  const token = bearerOf(request);
  const generation = token === undefined ? undefined : tokens.prove(sessionId, clientId, token);
  return generation === undefined ? 'unauthorized' : { sessionId, clientId, generation };
}

export function bearerOf(request: FastifyRequest): string | undefined {
  return /^Bearer (\S{1,128})$/.exec(request.headers.authorization ?? '')?.[1];
}

interface SnapshotBody {
  readonly session_id: string;
  readonly kind: string;
  readonly version: number;
  readonly epoch: string;
  readonly offset: number;
  readonly state: unknown;
  readonly ended?: object;
}

export type SessionAnswer =
  | { readonly kind: 'snapshot'; readonly body: SnapshotBody }
  | { readonly kind: 'gone'; readonly body: object }
  | {
      readonly kind: 'problem';
      readonly code:
        | 'unauthorized'
        | 'token-retired'
        | 'token-revoked'
        | 'session-unknown'
        | 'schema-too-new';
    };

export function sendSession(reply: FastifyReply, answer: SessionAnswer): FastifyReply {
  if (answer.kind === 'problem') return sendProblem(reply, answer.code);
  if (answer.kind === 'gone') return sendProblem(reply, 'session-gone', { members: answer.body });
  return reply.send(answer.body);
}

/** The snapshot as JSON; the same URL, upgraded, attaches. [R10] */
export async function readSession(
  parts: SessionRoutesParts,
  request: FastifyRequest,
): Promise<SessionAnswer> {
  const proof = proveClient(parts, request);
  if (typeof proof === 'string') return { kind: 'problem', code: proof };
  const { clientId, generation } = proof;
  return snapshotFor(parts, proof, (snapshot) => {
    const proven = provenGeneration(snapshot, clientId);
    if (proven === revokedGeneration) return 'token-revoked';
    return generation < proven ? 'token-retired' : undefined;
  });
}

/** The session's snapshot, unless it says that whoever asks may not have it. */
export async function snapshotFor(
  { registry }: Pick<SessionRoutesParts, 'registry'>,
  { sessionId, clientId }: { readonly sessionId: string; readonly clientId: string },
  refusal: (snapshot: Snapshot) => 'token-revoked' | 'token-retired' | undefined,
): Promise<SessionAnswer> {
  const found = await registry.read(sessionId);
  if (found.kind === 'gone') return { kind: 'gone', body: epitaph(found, clientId) };
  if (found.kind !== 'read') {
    const isUnknown = found.kind === 'unknown';
    return { kind: 'problem', code: isUnknown ? 'session-unknown' : 'schema-too-new' };
  }
  const { epoch, snapshot, ended } = found;
  const refused = refusal(snapshot);
  if (refused !== undefined) return { kind: 'problem', code: refused };
  const { offset, kind, version, state } = snapshot;
  const body = { session_id: sessionId, kind, version, epoch, offset, state };
  return { kind: 'snapshot', body: ended === undefined ? body : { ...body, ended: endOf(ended) } };
}

const endOf = ({ reason, atMs }: { reason: EndReason; atMs: number }) => ({
  reason,
  at: isoTime(atMs),
});

/** What is known of a session whose time is over: what became of this client's commands, and of nobody else's. [L4] */
function epitaph({ reason, endedMs, writers }: Gone, clientId: string): object {
  const own = writers.filter((writer) => writer.client_id === clientId);
  return {
    ended: endOf({ reason, atMs: endedMs }),
    accepted: own.map(({ incarnation, accepted }) => ({ incarnation, accepted })),
  };
}
