/** The first frame of a connection: who this device is, and how far it got. Pure. */
import type { Hello } from '../shared/protocol/frames.ts';
import type { AnyModel } from '../shared/session/session-model.ts';
import type { Outbox } from './outbox.ts';
import { positionOf, type Replica } from './replica.ts';

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
