/** A port for a private server of a test. */
import { createServer } from 'node:net';

/** A TCP port of 127.0.0.1 nobody listens on now. Another process may still take it first: starters try again then. */
export async function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error('A TCP server has no port'));
      });
    });
  });
}
