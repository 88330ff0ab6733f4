/** Takes a client's right to a session away, for good: it joins once more, with a generation that retires every token it has. [A7] */
import type { Clock } from '../../shared/clock.ts';
import { closeCodes, type CloseCode } from '../../shared/protocol/close-codes.ts';
import { provenGeneration, revokedGeneration } from '../../shared/session/fold.ts';
import { StoreUnavailableError, type Gone } from '../store/journal.ts';
import { FencedError } from './claim-session.ts';
import type { SessionHost } from './session-host.ts';
import type { SessionRegistry } from './session-registry.ts';

export interface RevokingParts {
  readonly registry: SessionRegistry;
  readonly clock: Clock;
}

/** Milliseconds for the session to answer; an instance that is leaving does not. */
const answerMaxMs = 10_000;

export type Revoked = 'revoked' | 'session-unknown' | 'schema-too-new' | 'token-retired' | Gone;

/**
 * `generation`: of the token that was proven; a service that acts for its user gives none. Resolves once Postgres has it, and the
 * client's connection here is closed. Asking again is safe. Rejects with StoreUnavailableError or FencedError.
 */
export async function revokeClient(
  { registry, clock }: RevokingParts,
  sessionId: string,
  clientId: string,
  generation = revokedGeneration,
): Promise<Revoked> {
  const found = await registry.find(sessionId, undefined);
  if (found.kind === 'unknown') return 'session-unknown';
  if (found.kind === 'too-new') return 'schema-too-new';
  if (found.kind === 'gone') return found;
  const { host } = found;
  const proven = provenGeneration(host.view.snapshot, clientId);
  // A token that was replaced is nobody's: whoever still has it must not put the rightful client out.
  if (proven !== revokedGeneration && generation < proven) return 'token-retired';
  const code = await joinRevoked(host, clientId, clock);
  if (code === closeCodes.fenced) throw new FencedError('The session moved.');
  // A rolled-back log could bring the right back as long as only Redis knows.
  await host.flush();
  if (provenGeneration(host.view.saved, clientId) !== revokedGeneration)
    throw new StoreUnavailableError('Postgres', 'the end of a right is not saved yet');
  return 'revoked';
}

/** Resolves with the code the session ends this reader's membership with, which is its only answer. */
function joinRevoked(host: SessionHost, clientId: string, clock: Clock): Promise<CloseCode> {
  const { kind, version, writers } = host.view.snapshot;
  const known = writers.find((writer) => writer.client_id === clientId);
  // A client that never was here has no incarnation; its id has the form of one.
  const incarnation = known?.incarnation ?? clientId;
  return new Promise((resolve) => {
    const cancel = clock.after(answerMaxMs, () => resolve(closeCodes.fenced));
    host.attach({
      clientId,
      generation: revokedGeneration,
      hello: { type: 'hello', token: '', incarnation, kind, version },
      sighting: undefined,
      // It never becomes a member.
      arrival: 0,
      send: () => {},
      sendTogether: () => {},
      close: (code) => {
        cancel();
        resolve(code);
      },
      settled: () => {},
      welcomed: () => {},
    });
  });
}
