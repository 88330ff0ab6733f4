/** Stands where a proxy stands: one address, connections go to the target of the moment, and can be cut. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface TcpRouter {
  readonly url: string;
  /** New connections go there from now on, to each in turn; those there are stay. */
  route(...urls: readonly string[]): void;
  /** Ends every connection without a closing handshake. */
  cut(): void;
  stop(): Promise<void>;
}

export async function startRouter(url: string): Promise<TcpRouter> {
  let targets = [new URL(url)];
  let count = 0;
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const target = targets[count++ % targets.length];
    const far = connect(Number(target?.port), target?.hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        open.delete(from);
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
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}
