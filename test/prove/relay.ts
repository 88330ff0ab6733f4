/** A way to a proxy that takes time, as over a real network: bytes, ends and breaks arrive later, in order. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Relay {
  readonly url: string;
  stop(): Promise<void>;
}

/** `farMs`: milliseconds each way. */
export async function startRelay(toUrl: string, farMs: number): Promise<Relay> {
  const { hostname, port } = new URL(toUrl);
  const sockets = new Set<Socket>();
  const pass = (from: Socket, to: Socket): void => {
    const later = (act: () => void): void => void setTimeout(act, farMs);
    sockets.add(from);
    from.on('data', (bytes) => later(() => to.write(bytes)));
    from.on('end', () => later(() => to.end()));
    from.on('error', () => later(() => to.resetAndDestroy()));
    from.on('close', () => sockets.delete(from));
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true });
    pass(near, far);
    pass(far, near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
