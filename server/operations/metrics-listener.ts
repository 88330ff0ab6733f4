/** `GET /metrics` on a listener of its own: what the proxy does not know, it cannot show to anybody. */
import { createServer, type Server } from 'node:http';

import { prometheusText, prometheusType, type Metric } from '../telemetry/prometheus-text.ts';

/** An address, and ports of which the first free one is taken: instances of one machine share their settings. */
export interface MetricsAddress {
  readonly host: string;
  readonly firstPort: number;
  readonly lastPort: number;
}

/** Whoever collects needs one or two. */
const connectionsMax = 16;
const requestTimeoutMs = 5_000;

/** Resolves with the function that ends it, and the port; undefined when every port is taken. Other errors reject. */
export async function listenForMetrics(
  { host, firstPort, lastPort }: MetricsAddress,
  metrics: () => readonly Metric[],
): Promise<{ readonly port: number; readonly close: () => Promise<void> } | undefined> {
  for (let port = firstPort; port <= lastPort; port++) {
    const server = makeServer(metrics);
    if (await listens(server, host, port)) {
      const address = server.address();
      const taken = typeof address === 'object' ? (address?.port ?? port) : port;
      return { port: taken, close: () => close(server) };
    }
  }
  return undefined;
}

function makeServer(metrics: () => readonly Metric[]): Server {
  const server = createServer({ requestTimeout: requestTimeoutMs }, (request, response) => {
    const isMetrics = request.url === '/metrics' && request.method === 'GET';
    request.resume();
    if (isMetrics) response.setHeader('content-type', prometheusType);
    response.statusCode = isMetrics ? 200 : 404;
    response.end(isMetrics ? prometheusText(metrics()) : 'There is nothing here.\n');
  });
  server.maxConnections = connectionsMax;
  // It holds nobody up who wants to end.
  return server.unref();
}

function listens(server: Server, host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen(port, host, () => resolve(true));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
