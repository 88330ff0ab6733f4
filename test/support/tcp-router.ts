/** Stands where a proxy stands: one address, connections go to the target of the moment, and can be cut. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface TcpRouter {
  readonly url: string;
  /** New connections go there from now on, to each in turn; those there are stay. */
  route(...urls: readonly string[]): void;
  /** Ends every connection without a closing handshake. */
  cut(): void;
  /** What the connections of now carry to the target, or from it, stays here until the function returned is called. */
  hold(way: 'there' | 'back'): () => void;
  stop(): Promise<void>;
}

/** One direction of a connection. */
interface Lane {
  readonly way: 'there' | 'back';
  readonly from: Socket;
  readonly to: Socket;
}

export async function startRouter(url: string): Promise<TcpRouter> {
  let targets = [new URL(url)];
  let count = 0;
  const open = new Set<Socket>();
  const lanes = new Set<Lane>();
  const server = createServer((near) => {
    const target = targets[count++ % targets.length];
    const far = connect(Number(target?.port), target?.hostname);
    for (const lane of [
      { way: 'there', from: near, to: far },
      { way: 'back', from: far, to: near },
    ] as const) {
      const { from, to } = lane;
      open.add(from);
      lanes.add(lane);
      from.on('error', () => {});
      from.on('close', () => {
        open.delete(from);
        lanes.delete(lane);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    route: (...urls) => {
      targets = urls.map((url) => new URL(url));
    },
    cut: () => {
      for (const socket of open) socket.resetAndDestroy();
    },
    hold: (way) => {
      const held = [...lanes].filter((lane) => lane.way === way);
      for (const { from, to } of held) from.unpipe(to);
      return () => {
        for (const { from, to } of held) from.pipe(to);
      };
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}
