/** What a client says a session began with that no store knows any more. [R12] */
import type { Clock } from '../../shared/clock.ts';
import { closeCodes } from '../../shared/protocol/close-codes.ts';
import { ProtocolError } from '../../shared/protocol/errors.ts';
import type { ClientFrame } from '../../shared/protocol/frames.ts';
import { retentionMs } from '../../shared/protocol/limits.ts';
import type { SessionRegistry } from '../session/session-registry.ts';
import { schemaTooNew } from './schema-refusal.ts';
import { sessionUnknown } from './session-unknown.ts';

/** What a session began with. */
interface Origin {
  readonly sessionId: string;
  readonly kind: string;
  readonly input: unknown;
}

export interface ReminderParts {
  readonly registry: SessionRegistry;
  readonly clock: Clock;
  /** When the session began, in ms since the Unix epoch; undefined when it did not begin so. */
  readonly proveOrigin: (origin: Origin, proof: string) => number | undefined;
}

/**
 * Begins the session again, as far as the client can prove what it began with. Throws ProtocolError: a client that does not know waits
 * for one that does; what is over stays over.
 */
export async function takeReminder(
  { registry, clock, proveOrigin }: ReminderParts,
  { sessionId, kind }: Pick<Origin, 'sessionId' | 'kind'>,
  { input, origin }: Extract<ClientFrame, { type: 'remind' }>,
): Promise<void> {
  if (input === undefined || origin === undefined)
    throw new ProtocolError(
      'session-forgotten',
      'A client that knows what it began with must come first.',
      closeCodes.storeUnavailable,
    );
  const beganMs = proveOrigin({ sessionId, kind, input }, origin);
  if (beganMs === undefined)
    throw new ProtocolError('origin-invalid', 'It did not begin so.', closeCodes.forbidden);
  if (beganMs + retentionMs < clock.nowMs()) throw sessionUnknown();
  const revived = await registry.revive(sessionId, { kind, input });
  if (!revived.ok) throw new ProtocolError('bad-frame', `input: ${revived.problem}`);
  if (revived.value === 'above-ceiling') throw schemaTooNew();
}
