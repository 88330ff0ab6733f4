/** One life of a page: the client library with a clock, sockets and storage that die with it, as a tab's do. */
import { WebSocket } from 'ws';

import { connect, type LiveSession, type SessionView } from '../../client/connect.ts';
import type { WebSocketConstructor } from '../../client/link.ts';
import type { SessionStorage } from '../../client/session-storage.ts';
import { systemClock, type Clock } from '../../shared/clock.ts';
import type { WorkoutCommand, WorkoutInput } from '../../shared/workout/workout-schemas.ts';
import type { WorkoutState } from '../../shared/workout/workout-state.ts';
import { workout } from '../../shared/workout/workout.ts';

/** Is told what crosses the wire; a socket is known by itself. */
export interface PageWire {
  opened(socket: object): void;
  sent(socket: object, text: string): void;
  heard(socket: object, text: string): void;
  closed(socket: object, code: number, reason: string): void;
}

export interface PageParts {
  /** Where the service is, or a session of it. */
  readonly origin: { readonly url: string } | { readonly resumeUrl: string };
  readonly input: WorkoutInput;
  /** The device's; pages share it. */
  readonly storage: SessionStorage;
  readonly wire: PageWire;
  /** In [0, 1). */
  readonly random: () => number;
  /** When commands are issued. */
  readonly nowMs: () => number;
  readonly warn: (problem: unknown) => void;
}

export class Page {
  readonly session: LiveSession<WorkoutState, WorkoutCommand>;
  readonly #life: Life;

  private constructor(session: LiveSession<WorkoutState, WorkoutCommand>, life: Life) {
    this.session = session;
    this.#life = life;
  }

  /** Rejects when a session is to be begun and the service does not begin it. */
  static async open({
    origin,
    input,
    storage,
    wire,
    random,
    nowMs,
    warn,
  }: PageParts): Promise<Page> {
    const life: Life = { isOver: false, sockets: new Set() };
    const session = await connect({
      ...origin,
      session: workout,
      input,
      storage: mortalStorage(storage, life),
      clock: mortalClock(nowMs, life),
      WebSocket: mortalWebSocket(wire, life),
      random,
      warn,
    });
    return new Page(session, life);
  }

  get isOver(): boolean {
    return this.#life.isOver;
  }

  view(): SessionView<WorkoutState> {
    return this.session.view();
  }

  /** Says goodbye, as a page does that is left. */
  leave(): void {
    this.session.close();
    this.#life.isOver = true;
  }

  /** The tab is gone from one moment to the next: nothing of it runs, writes or sends any more. */
  crash(): void {
    this.#life.isOver = true;
    for (const socket of this.#life.sockets) socket.terminate();
  }
}

interface Life {
  isOver: boolean;
  readonly sockets: Set<WebSocket>;
}

function mortalClock(nowMs: () => number, life: Life): Clock {
  return {
    nowMs,
    elapsedMs: () => systemClock.elapsedMs(),
    after: (delayMs, callback) =>
      systemClock.after(delayMs, () => {
        if (!life.isOver) callback();
      }),
  };
}

function mortalStorage(storage: SessionStorage, life: Life): SessionStorage {
  const never = new Promise<void>(() => {});
  return {
    load: () => storage.load(),
    save: (session) => (life.isOver ? never : storage.save(session)),
    addCommands: (incarnation, seq, commands) =>
      life.isOver ? never : storage.addCommands(incarnation, seq, commands),
    clear: () => (life.isOver ? never : storage.clear()),
  };
}

function mortalWebSocket(wire: PageWire, life: Life): WebSocketConstructor {
  return class extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      life.sockets.add(this);
      wire.opened(this);
      this.addEventListener('message', ({ data }) => {
        if (typeof data === 'string' && !life.isOver) wire.heard(this, data);
      });
      this.addEventListener('close', ({ code, reason }) => {
        life.sockets.delete(this);
        wire.closed(this, code, reason);
      });
    }

    // The client sends text and nothing else.
    override send(data: Parameters<WebSocket['send']>[0]): void {
      if (life.isOver) return;
      if (typeof data === 'string') wire.sent(this, data);
      super.send(data);
    }
  };
}
