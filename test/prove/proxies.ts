/** nginx, HAProxy and Caddy as others configure them: what a deploy is like behind them. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { freePort } from '../support/services/free-port.ts';
import { makePrivateFolder } from '../support/services/private-folder.ts';
import { startServer } from '../support/services/private-server.ts';

export interface Proxy {
  readonly url: string;
  /** Another configuration, by the proxy's own way of taking one up. */
  reload(configOf: ConfigOf): Promise<void>;
  /** A line for HAProxy's socket. */
  tell(line: string): Promise<void>;
  stop(): Promise<void>;
}

/** Text of a configuration that listens on that port and keeps its files in that folder. */
export type ConfigOf = (port: number, folder: string) => string;

export type Kind = 'nginx' | 'haproxy' | 'caddy';

/** Debian's, when it is installed. */
export const isInstalled = (kind: Kind): Promise<boolean> =>
  promisify(execFile)(kind, [kind === 'caddy' ? 'version' : '-v'], { env: searched }).then(
    () => true,
    () => false,
  );

const searched = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };

export async function startProxy(kind: Kind, configOf: ConfigOf): Promise<Proxy> {
  const folder = await makePrivateFolder(kind);
  const port = await freePort();
  const file = join(folder.path, kind === 'caddy' ? 'Caddyfile' : 'config');
  await writeFile(file, configOf(port, folder.path));
  const commands = {
    nginx: {
      args: ['-p', folder.path, '-c', file, '-e', 'stderr'],
      ready: /start worker process \d+/,
    },
    haproxy: { args: ['-W', '-f', file], ready: /Loading success/ },
    caddy: { args: ['run', '--config', file], ready: /serving initial configuration/ },
  };
  const server = await startServer(
    {
      file: kind,
      ...commands[kind],
      env: {
        PATH: searched.PATH,
        HOME: folder.path,
        XDG_DATA_HOME: folder.path,
        XDG_CONFIG_HOME: folder.path,
      },
    },
    folder,
  );
  // Workers too.
  folder.guard(-server.pid);
  return {
    url: `http://127.0.0.1:${port}`,
    reload: async (configOf) => {
      await writeFile(file, configOf(port, folder.path));
      process.kill(server.pid, 'SIGHUP');
    },
    tell: (line) =>
      new Promise((resolve, reject) => {
        const socket = connect(join(folder.path, 'admin.sock'), () => socket.end(`${line}\n`));
        socket.on('error', reject);
        socket.on('close', () => resolve());
        socket.resume();
      }),
    stop: async () => {
      // Workers too, which outlive a master that was killed.
      process.kill(-server.pid, 'SIGKILL');
      await server.end('SIGKILL');
      await folder.remove();
    },
  };
}

/** Everything around the upstreams is the same for every row. */
export const nginxConfig =
  (upstream: string, options = '') =>
  (port: number, folder: string): string =>
    `
  daemon off; user root; worker_processes 2; pid ${folder}/pid; error_log stderr notice;
  events { worker_connections 4096; }
  http {
    access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxied;
    fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
    map $http_upgrade $connection_upgrade { default upgrade; '' close; }
    upstream api { ${upstream} }
    server {
      listen 127.0.0.1:${port};
      location / {
        proxy_pass http://api; proxy_http_version 1.1; proxy_set_header Host $http_host;
        proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade; ${options}
      }
    }
  }`;

/** `servers`: lines of a backend. With `retry`, a server that refuses is left for another. */
export const haproxyConfig =
  (servers: readonly string[], { retry }: { retry: boolean }) =>
  (port: number, folder: string): string =>
    `
global
  stats socket ${folder}/admin.sock mode 600 level admin
defaults
  mode http
  timeout connect 1s
  timeout client 75s
  timeout server 75s
  timeout tunnel 1h
  timeout check 5s
frontend in
  bind 127.0.0.1:${port}
  default_backend api
backend api
  balance roundrobin
  ${retry ? 'option redispatch' : 'retries 0'}
  option httpchk GET /readyz
${servers.map((server) => `  ${server}\n`).join('')}`;

export const caddyConfig =
  (ports: readonly number[], lines: string) =>
  (port: number): string =>
    `
{
  admin off
  auto_https off
}
http://127.0.0.1:${port} {
  bind 127.0.0.1
  reverse_proxy ${ports.map((one) => `127.0.0.1:${one}`).join(' ')} {
${lines}
  }
}
`;
