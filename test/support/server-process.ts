/** The built server as a process of its own, which can be killed, frozen and started again. */
import { freePort } from './services/free-port.ts';
import { makePrivateFolder } from './services/private-folder.ts';
import { startServer, type PrivateServer } from './services/private-server.ts';
import { builtFile } from './services/shared-services.ts';

export interface ServerProcess {
  readonly url: string;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** SIGTERM: it drains, and ends. */
  drain(): Promise<void>;
  /** SIGUSR2: it asks connections that are routed elsewhere to move, and stays. */
  handOver(): void;
  /** Again on the same port with the same stores. */
  start(): Promise<void>;
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

export interface ProcessStores {
  readonly postgres: string;
  readonly redis?: string | undefined;
}

export async function startServerProcess(
  { postgres, redis }: ProcessStores,
  settings: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const main = await builtFile('server/main');
  const folder = await makePrivateFolder('server');
  const port = await freePort();
  const env = {
    HOST: '127.0.0.1',
    PORT: String(port),
    DATABASE_URL: postgres,
    REDIS_URL: redis ?? '',
    TRACKSTAND_SECRET: 'a secret of thirty-two characters or more',
    CHECKPOINT_MS: '200',
    ...settings,
  };
  const launch = (): Promise<PrivateServer> =>
    startServer({ file: process.execPath, args: [main], ready: /listening/i, env }, folder);
  let server = await launch();
  return {
    url: `http://127.0.0.1:${port}`,
    kill: () => server.end('SIGKILL'),
    drain: () => server.end('SIGTERM'),
    handOver: () => process.kill(server.pid, 'SIGUSR2'),
    start: async () => {
      server = await launch();
    },
    freeze: () => process.kill(server.pid, 'SIGSTOP'),
    thaw: () => process.kill(server.pid, 'SIGCONT'),
    stop: async () => {
      await server.end('SIGKILL');
      await folder.remove();
    },
  };
}
