import { Agent, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

import Fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { sharePort } from '../../server/app/leave-port.ts';

describe('a port that is shared', () => {
  const app = Fastify({ forceCloseConnections: true, bodyLimit: 10 });
  const agent = new Agent({ keepAlive: true });
  const ask = (by: Agent | false, body?: string): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const { port } = app.server.address() as AddressInfo;
      const method = body === undefined ? 'GET' : 'POST';
      const headers = { 'content-type': 'application/json' };
      request({ port, host: '127.0.0.1', agent: by, method, headers }, (response) => {
        response.resume();
        response.once('end', () => resolve(response));
      })
        .once('error', reject)
        .end(body);
    });
  beforeAll(async () => {
    sharePort(app, () => {});
    app.get('/', () => 'here');
    app.post('/', () => 'here');
    await app.listen({ port: 0, host: '127.0.0.1' });
  });
  afterAll(async () => {
    agent.destroy();
    await app.close();
  });

  test('keeps a connection longer than it tells its client, who may send at the last moment', async () => {
    const { headers } = await ask(agent);
    const [, toldS] = /^timeout=(\d+)$/.exec(String(headers['keep-alive'])) ?? [];
    expect(headers.connection).toBe('keep-alive');
    expect(app.server.keepAliveTimeout).toBeGreaterThanOrEqual(Number(toldS) * 1_000 + 2_000);
  });

  test('keeps no connection whose client does not want that', async () => {
    expect((await ask(false)).headers.connection).toBe('close');
  });

  test('promises nothing of a connection that is closed because too much is sent on it', async () => {
    const { statusCode, headers } = await ask(agent, 'x'.repeat(100));
    expect(statusCode).toBe(413);
    expect(headers).toMatchObject({ connection: 'close' });
    expect(headers['keep-alive']).toBeUndefined();
  });
});
