/** A private nginx with the configuration that is shipped; only its paths and its port are the test's. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { freePort } from './free-port.ts';
import { makePrivateFolder } from './private-folder.ts';
import { startServer } from './private-server.ts';

export interface NginxService {
  readonly url: string;
  /** Where the routes and sockets are. */
  readonly runFolder: string;
  /** Where it listens with TLS, once it is configured to. */
  readonly tlsPort: number;
  /** Holds `nginx.conf` and everything it includes. */
  readonly configFolder: string;
  readonly accessLog: string;
  readonly pid: () => number;
  /** `kill -9` of the master and its workers. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * `shipped` is the repository's `deploy/nginx`. With `ports` it routes by files that say which of them a route leads to; `edit`
 * takes something away from the configuration.
 */
export async function startNginx(
  shipped: string,
  ports: readonly number[] = [],
  edit: (text: string) => string = (text) => text,
): Promise<NginxService> {
  const folder = await makePrivateFolder('nginx');
  const port = await freePort();
  const at = (name: string): string => join(folder.path, name);
  await mkdir(at('run'));
  await cp(shipped, at('nginx'), { recursive: true });
  await writeFile(at('nginx/mime.types'), 'types { text/html html; }\n');
  const moved: Readonly<Record<string, string>> = {
    '/var/log/nginx/error.log notice': 'stderr notice',
    '/run/trackstand/': `${at('run')}/`,
    '/var/log/nginx/': `${folder.path}/`,
    '/etc/nginx/mime.types': at('nginx/mime.types'),
    '/run/nginx.pid': at('nginx.pid'),
    'listen 80 ': `listen 127.0.0.1:${port} `,
    ...Object.fromEntries(
      ports.map((port, index) => [`127.0.0.1:${3001 + index} `, `127.0.0.1:${port} `]),
    ),
    ...(ports.length === 0 ? {} : { 'include trackstand.conf;': 'include trackstand-flags.conf;' }),
    'worker_processes auto;': `worker_processes 2; user root;`,
  };
  for (const name of ['nginx.conf', 'trackstand.conf', 'trackstand-flags.conf']) {
    const text = await readFile(at(`nginx/${name}`), 'utf8');
    const placed = Object.entries(moved).reduce((text, pair) => text.replaceAll(...pair), text);
    await writeFile(at(`nginx/${name}`), edit(placed));
  }
  const tlsPort = await freePort();
  const launch = async () => {
    const server = await startServer(
      {
        file: 'nginx',
        args: [
          '-p',
          folder.path,
          '-c',
          at('nginx/nginx.conf'),
          '-g',
          'daemon off;',
          '-e',
          'stderr',
        ],
        ready: /start worker process \d+/,
        env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` },
      },
      folder,
    );
    // The whole group: workers outlive a master that was killed.
    folder.guard(-server.pid);
    return server;
  };
  let server = await launch();
  return {
    url: `http://127.0.0.1:${port}`,
    tlsPort,
    runFolder: at('run'),
    configFolder: at('nginx'),
    accessLog: at('trackstand.log'),
    pid: () => server.pid,
    kill: async () => {
      process.kill(-server.pid, 'SIGKILL');
      await server.end('SIGKILL');
    },
    start: async () => {
      server = await launch();
    },
    stop: async () => {
      await server.end('SIGQUIT').catch(() => {});
      await folder.remove();
    },
  };
}
