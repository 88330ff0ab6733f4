/** What opens a connection: who this device is, how far it got, and what the session began with. Pure. */
import type { ClientFrame, Hello } from '../shared/protocol/frames.ts';
import type { AnyModel } from '../shared/session/session-model.ts';
import type { Outbox } from './outbox.ts';
import { positionOf, type Replica } from './replica.ts';
import type { StoredSession } from './session-storage.ts';

export interface HelloParts {
  readonly model: AnyModel;
  readonly token: string;
  readonly outbox: Outbox;
  readonly replica: Replica;
  /** From which seq on it must know what the server has. [R7] */
  readonly hashesFrom: number | undefined;
}

export function makeHello({ model, token, outbox, replica, hashesFrom }: HelloParts): Hello {
  const { kind, version } = model;
  const { incarnation } = outbox;
  const [position, { witness }] = [positionOf(replica), replica];
  return {
    type: 'hello',
    token,
    incarnation,
    kind,
    version,
    ...(position === undefined ? {} : { position }),
    ...(witness === undefined ? {} : { witness }),
    ...(hashesFrom === undefined ? {} : { hashes_from: hashesFrom }),
  };
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
