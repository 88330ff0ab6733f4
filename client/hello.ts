/** What opens a connection: who this device is, how far it got, and what the session began with. Pure. */
import type { ClientFrame, Hello } from '../shared/protocol/frames.ts';
import type { AnyModel } from '../shared/session/session-model.ts';
import type { Outbox } from './outbox.ts';
import { positionOf, type Replica } from './replica.ts';
import type { StoredSession } from './session-storage.ts';

/** `hashes_from`: from which seq on it must know what the server has. [R7] What is undefined is not sent. */
export function makeHello(
  { kind, version }: AnyModel,
  token: string,
  replica: Replica,
  life: Pick<Hello, 'incarnation' | 'hashes_from'>,
): Hello {
  const position = positionOf(replica);
  return { type: 'hello', token, kind, version, position, witness: replica.witness, ...life };
}

/**
 * For a server that has forgotten the session. Who has let its commands go after the final receipt would bring back no more than a
 * beginning, and leaves it to others. [R12] [L1]
 */
export function makeReminder(
  { forgottenCount }: Outbox,
  { input, origin }: Pick<StoredSession, 'input' | 'origin'>,
): ClientFrame {
  return forgottenCount > 0 ? { type: 'remind' } : { type: 'remind', input, origin };
}
