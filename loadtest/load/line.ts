/** A rider's connections: how many were tried, and the one that can be cut. */
import { WebSocket } from 'ws';

import type { ConnectOptions } from '../../client/connect.ts';

type Dialled = NonNullable<ConnectOptions<unknown, unknown, never, never>['WebSocket']>;

export interface Line {
  /** For the client to dial with. */
  readonly WebSocket: Dialled;
  readonly dialCount: () => number;
  /** As a network does it: nobody is told. */
  cut(): void;
}

export function watchedLine(): Line {
  let current: WebSocket | undefined;
  let dialCount = 0;
  const dialled = (socket: WebSocket): void => {
    current = socket;
    dialCount++;
  };
  class Watched extends WebSocket {
    constructor(address: string | URL, protocols?: string | string[]) {
      super(address, protocols, { perMessageDeflate: false });
      dialled(this);
    }
  }
  return {
    WebSocket: Watched,
    dialCount: () => dialCount,
    cut: () => current?.terminate(),
  };
}
