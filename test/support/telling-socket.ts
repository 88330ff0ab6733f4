/** A WebSocket that tells what left and what came, for tests that look at the wire under a real client. */
import { once } from 'node:events';

import { WebSocket } from 'ws';

import type { WebSocketConstructor } from '../../client/link.ts';
import type { ClientFrame, ServerFrame } from '../../shared/protocol/frames.ts';

export interface TellingSockets {
  readonly Socket: WebSocketConstructor;
  /** Frames of the server so far, over all sockets in order. */
  readonly heard: readonly ServerFrame[];
  /** Resolves when the network has taken such a frame. */
  whenSent(is: (frame: ClientFrame) => boolean): Promise<void>;
  /** Resolves when the server has taken everything that was sent over the latest socket, and has sent what it answers at once. */
  roundTrip(): Promise<void>;
  allClosed(): Promise<void>;
}

export function tellingSockets(): TellingSockets {
  const [sent, heard]: [ClientFrame[], ServerFrame[]] = [[], []];
  const opened: WebSocket[] = [];
  const watchers = new Set<() => void>();
  const told = (): void => {
    for (const look of watchers) look();
  };
  class Socket extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      opened.push(this);
      this.on('message', (bytes: Buffer) => {
        heard.push(JSON.parse(bytes.toString('utf8')) as ServerFrame);
        told();
      });
    }
    override send(text: string): void {
      super.send(text, () => {
        sent.push(JSON.parse(text) as ClientFrame);
        told();
      });
    }
  }
  const until = (isSo: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!isSo()) return;
        watchers.delete(look);
        resolve();
      };
      watchers.add(look);
      look();
    });
  return {
    Socket,
    heard,
    whenSent: (is) => until(() => sent.some(is)),
    roundTrip: () => {
      const n = 1_000_000 + heard.length;
      opened.at(-1)?.send(JSON.stringify({ type: 'ping', n }));
      return until(() => heard.some((frame) => frame.type === 'pong' && frame.n === n));
    },
    allClosed: async () => {
      const left = opened.filter(({ readyState }) => readyState !== WebSocket.CLOSED);
      await Promise.all(left.map((socket) => once(socket, 'close')));
    },
  };
}
