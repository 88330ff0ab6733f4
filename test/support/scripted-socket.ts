/** WebSockets whose other end is the test. */
import type { WebSocketLike } from '../../client/link.ts';

type Listener = (event: {
  readonly data: unknown;
  readonly code: number;
  readonly reason: string;
}) => void;

export class ScriptedSocket implements WebSocketLike {
  readonly url: string;
  readonly sent: { readonly type: string; readonly [field: string]: unknown }[] = [];
  isClosed = false;
  readonly #listeners = new Map<string, Listener[]>();

  constructor(url: string) {
    this.url = url;
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as { type: string });
  }

  close(): void {
    this.isClosed = true;
  }

  open(): void {
    this.#tell('open', {});
  }

  receive(frame: object): void {
    this.#tell('message', { data: JSON.stringify(frame) });
  }

  end(code: number): void {
    this.isClosed = true;
    this.#tell('close', { code, reason: '' });
  }

  #tell(type: string, event: object): void {
    for (const listener of this.#listeners.get(type) ?? [])
      listener({ data: undefined, code: 0, reason: '', ...event });
  }
}

/** A constructor and the sockets it made, oldest first. */
export function scriptedSockets(): {
  readonly WebSocket: new (url: string) => ScriptedSocket;
  readonly sockets: ScriptedSocket[];
} {
  const sockets: ScriptedSocket[] = [];
  class Socket extends ScriptedSocket {
    constructor(url: string) {
      super(url);
      sockets.push(this);
    }
  }
  return { WebSocket: Socket, sockets };
}
