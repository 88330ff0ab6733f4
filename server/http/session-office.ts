/** What the framework does with sessions for those who own them. */
import type { Clock } from '../../shared/clock.ts';
import { closeCodes } from '../../shared/protocol/close-codes.ts';
import { retentionMs } from '../../shared/protocol/limits.ts';
import { provenGeneration } from '../../shared/session/fold.ts';
import type { ResumeTokens } from '../auth/resume-tokens.ts';
import { revokeClient } from '../session/revoke-client.ts';
import type { SessionRegistry } from '../session/session-registry.ts';
import { StoreUnavailableError, type SessionCatalog } from '../store/journal.ts';
import type { RateLimit } from '../store/rate-limit.ts';
import type { SessionOffice } from './session-owners.ts';
import { snapshotFor } from './session-routes.ts';

export interface OfficeParts {
  readonly registry: SessionRegistry;
  readonly catalog: SessionCatalog;
  readonly tokens: ResumeTokens;
  readonly clock: Clock;
  readonly newClientId: () => string;
  readonly limit: RateLimit;
  /** How long it is known what became of a session whose time is over. */
  readonly tombstoneMs: number;
}

/** `forgetLogs`: takes what is left of sessions out of Redis. */
export function createSessionOffice(
  parts: OfficeParts,
  forgetLogs: (sessionIds: readonly string[]) => Promise<void>,
): SessionOffice {
  const { registry, catalog, tokens, newClientId } = parts;
  let latestReading: Promise<unknown> = Promise.resolve();
  return {
    limit: parts.limit,
    // For as long as a client could prove what the session began with: it would begin again. [R12]
    tombstoneMs: Math.max(parts.tombstoneMs, retentionMs),
    prove: async (sessionId, clientId, token) => {
      const generation = tokens.prove(sessionId, clientId, token);
      if (generation === undefined) return 'refused';
      const found = await registry.read(sessionId);
      if (found.kind === 'unknown' || found.kind === 'gone') return 'session-unknown';
      if (found.kind !== 'read') throw tooNew();
      return generation < provenGeneration(found.snapshot, clientId) ? 'refused' : 'proven';
    },
    admit: (sessionId, base) => {
      const clientId = newClientId();
      const token = tokens.issue(sessionId, clientId, 1);
      const resumeUrl = `${base}/v1/sessions/${sessionId}/clients/${clientId}#${token}`;
      return { clientId, resumeUrl };
    },
    read: async (sessionId) => {
      const answer = await snapshotFor(parts, { sessionId, clientId: '' }, () => undefined);
      if (answer.kind === 'snapshot') return answer.body;
      if (answer.kind === 'problem' && answer.code === 'schema-too-new') throw tooNew();
      return undefined;
    },
    history: (sessionId) => {
      const reading = latestReading.then(() => catalog.history(sessionId));
      latestReading = reading.catch(() => {});
      return reading;
    },
    revoke: async (sessionId, clientId) => {
      const result = await revokeClient(parts, sessionId, clientId);
      if (result === 'schema-too-new') throw tooNew();
    },
    forget: async (sessionIds) => {
      // Its clients come back and are told what became of it, as those of other instances are.
      for (const sessionId of sessionIds)
        registry.hosts.get(sessionId)?.release(closeCodes.fenced, 'the session was deleted');
      await forgetLogs(sessionIds);
    },
  };
}

const tooNew = (): StoreUnavailableError =>
  new StoreUnavailableError('Postgres', 'another instance knows that schema');
