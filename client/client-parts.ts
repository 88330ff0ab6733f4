/** What a client is made of besides its session. */
import type { Clock } from '../shared/clock.ts';
import type { AnyModel } from '../shared/session/session-model.ts';
import type { WebSocketConstructor } from './link.ts';
import type { SessionStorage } from './session-storage.ts';

export interface ClientParts {
  readonly model: AnyModel;
  readonly storage: SessionStorage;
  readonly WebSocket: WebSocketConstructor;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly newId: () => string;
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Something an app can show or log that it need not act on: storage that fails, a listener that throws. */
  readonly warn: (problem: unknown) => void;
  /** Whether the commands stay after the final receipt: for an app that reads them. */
  readonly keepsCommands?: boolean | undefined;
}
