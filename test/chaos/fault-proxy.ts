/** Stands between two parties that talk TCP, and does to them what networks do. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

import { systemClock } from '../../shared/clock.ts';

/** Faults may overlap; each function returned undoes its own fault and no other. */
export interface FaultProxy {
  readonly port: number;
  /** Ends every connection with RST. */
  cut(): void;
  /** Connections there are carry nothing any more, and nobody is told. The function returned ends them with RST. */
  halfOpen(): () => void;
  /** Everything is held back, in both directions, new connections too; afterwards it arrives after all. */
  freeze(): () => void;
  delay(delayMs: number): () => void;
  /** New connections are reset. */
  refuse(): () => void;
  stop(): Promise<void>;
}

/** Chunks that wait in one direction before its sender is no longer read. */
const waitingMax = 64;

interface Weather {
  freezeCount: number;
  refuseCount: number;
  delayMs: number;
}

interface Link {
  readonly near: Socket;
  readonly far: Socket;
  readonly lanes: readonly Lane[];
  isSwallowing: boolean;
}

type Item = Buffer | 'end' | 'reset';

/** One direction of a connection: a queue that weather holds up. */
class Lane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #weather: Weather;
  readonly #isSwallowing: () => boolean;
  readonly #queue: { readonly item: Item; readonly dueMs: number }[] = [];
  #isTimed = false;

  constructor(
    [from, to]: readonly [Socket, Socket],
    weather: Weather,
    isSwallowing: () => boolean,
  ) {
    this.#from = from;
    this.#to = to;
    this.#weather = weather;
    this.#isSwallowing = isSwallowing;
    from.on('data', (chunk: Buffer) => this.#push(chunk));
    from.on('end', () => this.#push('end'));
    // What follows an error is 'close'.
    from.on('error', () => {});
    from.on('close', (hadError) => this.#push(hadError ? 'reset' : 'end'));
  }

  pump(): void {
    for (let [head] = this.#queue; head !== undefined; [head] = this.#queue) {
      if (this.#weather.freezeCount > 0) return;
      const waitMs = head.dueMs - systemClock.nowMs();
      if (waitMs > 0) return this.#pumpIn(waitMs);
      this.#queue.shift();
      this.#deliver(head.item);
    }
    this.#from.resume();
  }

  #push(item: Item): void {
    if (this.#isSwallowing()) return;
    this.#queue.push({ item, dueMs: systemClock.nowMs() + this.#weather.delayMs });
    if (this.#queue.length > waitingMax) this.#from.pause();
    this.pump();
  }

  #pumpIn(waitMs: number): void {
    if (this.#isTimed) return;
    this.#isTimed = true;
    systemClock.after(waitMs, () => {
      this.#isTimed = false;
      this.pump();
    });
  }

  #deliver(item: Item): void {
    if (this.#to.destroyed || this.#isSwallowing()) return;
    if (item === 'end') this.#to.end();
    else if (item === 'reset') this.#to.resetAndDestroy();
    else this.#to.write(item);
  }
}

/**
 * Listens on a free port of 127.0.0.1; `target` is asked for the port of the other side at each new connection, and `listener`, when
 * given, for who hears all that comes from there, whatever the weather makes of it.
 */
export async function startFaultProxy(
  target: () => number,
  listener?: () => (chunk: Buffer) => void,
): Promise<FaultProxy> {
  const links = new Set<Link>();
  const weather: Weather = { freezeCount: 0, refuseCount: 0, delayMs: 0 };
  const server = createServer({ allowHalfOpen: true }, (near) => {
    if (weather.refuseCount > 0) near.resetAndDestroy();
    else open(near, connect({ port: target(), host: '127.0.0.1', allowHalfOpen: true }));
  });
  const open = (near: Socket, far: Socket): void => {
    const isSwallowing = (): boolean => link.isSwallowing;
    if (listener !== undefined) far.on('data', listener());
    const lanes = [
      new Lane([near, far], weather, isSwallowing),
      new Lane([far, near], weather, isSwallowing),
    ];
    const link: Link = { near, far, lanes, isSwallowing: false };
    links.add(link);
    const forget = (): void => {
      if (near.destroyed && far.destroyed) links.delete(link);
    };
    near.on('close', forget);
    far.on('close', forget);
  };
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    cut: () => links.forEach(reset),
    halfOpen: () => {
      const dead = [...links];
      for (const link of dead) link.isSwallowing = true;
      return () => dead.forEach(reset);
    },
    freeze: () => {
      weather.freezeCount += 1;
      return once(() => {
        weather.freezeCount -= 1;
        for (const { lanes } of links) for (const lane of lanes) lane.pump();
      });
    },
    delay: (delayMs) => {
      weather.delayMs += delayMs;
      return once(() => {
        weather.delayMs -= delayMs;
      });
    },
    refuse: () => {
      weather.refuseCount += 1;
      return once(() => {
        weather.refuseCount -= 1;
      });
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        links.forEach(reset);
      }),
  };
}

function reset({ near, far }: Link): void {
  near.resetAndDestroy();
  far.resetAndDestroy();
}

/** A fault that is undone by its time and by the end of a storm is undone once. */
function once(undo: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    undo();
  };
}
