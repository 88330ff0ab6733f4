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
  /** All riders' sockets are of one class: with one each, thousands of classes are what V8 looks through at every access. */
  function Watched(address: string | URL, protocols?: string | string[]): WebSocket {
    const socket = new WebSocket(address, protocols, { perMessageDeflate: false });
    dialled(socket);
    return socket;
  }
  return {
    // Called by `new`, what a function returns is what was made.
    WebSocket: Watched as unknown as Dialled,
    dialCount: () => dialCount,
    cut: () => current?.terminate(),
  };
}
