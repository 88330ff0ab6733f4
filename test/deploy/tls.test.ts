import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { get } from 'node:https';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';

import { freePort } from '../support/services/free-port.ts';
import { startNginx, type NginxService } from '../support/services/nginx-service.ts';
import { makePrivateFolder } from '../support/services/private-folder.ts';
import { startServer } from '../support/services/private-server.ts';
import { repository } from './shared-host.ts';

const nginxFolder = join(repository, 'deploy/nginx');

describe('TLS', () => {
  let nginx: NginxService;
  let ca: string;
  beforeAll(async () => {
    nginx = await startNginx(nginxFolder);
    const server = createServer((request, response) => {
      const { host, 'x-forwarded-proto': scheme, 'x-forwarded-for': address } = request.headers;
      response.end(JSON.stringify({ host, scheme, address }));
    });
    server.on('upgrade', (_request, socket) => {
      socket.end('HTTP/1.1 418 Upgraded\r\ncontent-length: 0\r\n\r\n');
    });
    server.listen({ path: join(nginx.runFolder, 'a.r1.sock'), writableAll: true });
    await once(server, 'listening');
    for (const name of [
      'a',
      'b',
      ...Array.from({ length: 20 }, (_, n) => `v${String(n).padStart(2, '0')}`),
    ])
      await symlink('a.r1.sock', join(nginx.runFolder, `${name}.sock`));
  });
  afterAll(() => nginx.stop());

  const ask = (port: number, path: string): Promise<{ status: number; body: string }> =>
    new Promise((resolve, reject) => {
      get({ host: 'localhost', port, path, ca, agent: false }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      }).on('error', reject);
    });
  const upgrade = (port: number): Promise<string> =>
    new Promise((resolve) => {
      const socket = new WebSocket(`wss://localhost:${port}/v1/sessions/x`, {
        ca,
      });
      socket.once('error', (error) => resolve(error.message));
    });

  test('by files: the examples that are shipped serve TLS, and send there who comes without', async () => {
    const tls = join(nginx.configFolder, 'tls');
    await mkdir(tls);
    const [key, certificate] = [join(tls, 'key.pem'), join(tls, 'fullchain.pem')];
    const words = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost`;
    await promisify(execFile)('openssl', [
      ...words.split(' '),
      '-keyout',
      key,
      '-out',
      certificate,
    ]);
    ca = await readFile(certificate, 'utf8');
    const folder = join(nginx.configFolder, 'trackstand.d');
    await copyFile(join(folder, 'http-tls.conf.example'), join(folder, 'http-tls.conf'));
    const text = await readFile(join(folder, 'server-tls.conf.example'), 'utf8');
    await writeFile(
      join(folder, 'server-tls.conf'),
      text
        .replace('listen 443', `listen 127.0.0.1:${nginx.tlsPort}`)
        .replaceAll('/etc/trackstand/tls', tls),
    );
    await nginx.kill();
    await nginx.start();
    const answer = await ask(nginx.tlsPort, '/v1/sessions/abcdefghijklmnopqrstuv');
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ scheme: 'https' });
    expect(await upgrade(nginx.tlsPort)).toContain('418');
    const plain = await fetch(`${nginx.url}/v1/sessions?x=1`, {
      redirect: 'manual',
      method: 'POST',
    });
    expect(plain.status).toBe(308);
    expect(plain.headers.get('location')).toMatch(/^https:\/\/127\.0\.0\.1\/v1\/sessions\?x=1$/);
    // rolling.sh asks without TLS.
    expect((await fetch(`${nginx.url}/__release/v03`)).status).toBe(200);
  });

  test('by Caddy in front of nginx, with the Caddyfile that is shipped', async (context) => {
    const found = await promisify(execFile)('caddy', ['version']).catch(() => undefined);
    if (found === undefined) context.skip('caddy is not installed'); // test/setup.mjs brings it to a root, and nobody else needs to.
    const behind = await startNginx(nginxFolder);
    onTestFinished(() => behind.stop());
    const folder = join(behind.configFolder, 'trackstand.d');
    await copyFile(join(folder, 'server-behind.conf.example'), join(folder, 'server-behind.conf'));
    for (const name of [
      'a.r1',
      'a',
      'b',
      ...Array.from({ length: 20 }, (_, n) => `v${String(n).padStart(2, '0')}`),
    ])
      await symlink(join(nginx.runFolder, 'a.r1.sock'), join(behind.runFolder, `${name}.sock`));
    await behind.kill();
    await behind.start();
    const home = await makePrivateFolder('caddy');
    onTestFinished(() => home.remove());
    const [port, plainPort] = [await freePort(), await freePort()];
    await startServer(
      {
        file: 'caddy',
        args: [
          'run',
          '--config',
          join(repository, 'deploy/caddy/Caddyfile'),
          '--adapter',
          'caddyfile',
        ],
        ready: /certificate obtained successfully/,
        env: {
          // A name of its own machine gets a certificate of its own authority.
          SITE: `https://localhost:${port}`,
          NGINX: new URL(behind.url).host,
          HOME: home.path,
          XDG_DATA_HOME: home.path,
          XDG_CONFIG_HOME: home.path,
          PLAIN_PORT: String(plainPort),
          BIND: '127.0.0.1',
        },
      },
      home,
    );
    const root = join(home.path, 'caddy/pki/authorities/local/root.crt');
    await expect.poll(() => readFile(root, 'utf8').catch(() => '')).toContain('BEGIN');
    ca = await readFile(root, 'utf8');
    const path = '/v1/sessions/abcdefghijklmnopqrstuv';
    // The certificate is there a moment before it is used.
    const status = (): Promise<number> =>
      ask(port, path).then(
        ({ status }) => status,
        () => 0,
      );
    await expect.poll(status, { timeout: 60_000 }).toBe(200);
    const answer = await ask(port, path);
    // Both proxies are on this machine.
    expect(JSON.parse(answer.body)).toMatchObject({
      address: expect.stringContaining('127.0.0.1'),
    });
    expect(await upgrade(port)).toContain('418');
  });
});
