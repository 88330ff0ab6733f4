import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { headerBytesMax, slowClientMs } from '../../shared/protocol/limits.ts';
import { startServer, type LiveServer } from '../support/live-server.ts';
import { attach, createSession, type Created } from '../support/raw-client.ts';

/** The stated times, shorter, so that a test need not wait for them. */
const quick = { headers: 150, request: 300, idle: 300, check: 25 };

let server: LiveServer;
/** Another instance, on which a session is created: how long Postgres takes for that, no client is cut for. */
let patient: LiveServer;
beforeAll(async () => {
  patient = await startServer();
  server = await startServer({ ...patient.stores, http: { times: quick } });
});
afterAll(async () => {
  await server.stop();
  await patient.stop();
});

async function created(): Promise<Created> {
  const made = await createSession(patient.url);
  return { ...made, resume_url: made.resume_url.replace(patient.url, server.url) };
}

async function dial(): Promise<Socket> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** All that came until the server ended it. */
async function untilEnd(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('latin1');
}

/** Sends a byte now and then, for ever: what time-outs of idleness alone never end. */
function drip(socket: Socket, text: string): void {
  let place = 0;
  const timer = setInterval(() => socket.write(text[place++ % text.length] ?? 'x'), 20);
  socket.once('close', () => clearInterval(timer));
}

const head = 'POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';

describe('slow clients', () => {
  test('[F3] headers that trickle in are cut with 408', async () => {
    const socket = await dial();
    socket.write('GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    drip(socket, 'x');
    const answer = await untilEnd(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('"code":"request-timeout"');
  });

  test('[F3] a body that trickles in is cut with 408', async () => {
    const socket = await dial();
    socket.write(`${head}Content-Length: 100000\r\n\r\n`);
    drip(socket, ' ');
    expect(await untilEnd(socket)).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('[F3] who connects and says nothing is cut', async () => {
    const socket = await dial();
    expect(await untilEnd(socket)).not.toMatch(/ 200 /);
  });

  test('[F3] who asks and does not read the answer is cut, and the process keeps none of it', async () => {
    const accepted = once(server.app.server, 'connection') as Promise<[Socket]>;
    const socket = await dial();
    const [served] = await accepted;
    const cut = once(served, 'close');
    socket.pause();
    const requests = 'GET /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(200);
    const ask = (): void => {
      while (!served.destroyed && socket.write(requests));
    };
    socket.on('drain', ask);
    ask();
    await cut;
    socket.destroy();
  });

  test('[F3] an upgrade that was refused leaves no socket behind, wherever it was asked for', async () => {
    for (const path of ['/v1/nothing', '/livez', '/nowhere']) {
      const socket = await dial();
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      );
      expect(await untilEnd(socket)).toMatch(/^HTTP\/1\.1 404 /);
    }
  });

  test('[F3] a WebSocket that is quiet for longer than a request may take stays', async () => {
    const client = await attach(await created());
    // Somebody else is cut meanwhile, which takes as long.
    await untilEnd(await dial());
    await untilEnd(await dial());
    client.send({ type: 'ping', n: 1 });
    expect(await client.nextOf('pong')).toEqual({ type: 'pong', n: 1 });
  });

  test('[F3] the stated times are those the server goes by', async () => {
    const stated = await startServer();
    const { headersTimeout, requestTimeout, timeout } = stated.app.server;
    expect({ headers: headersTimeout, request: requestTimeout, idle: timeout }).toEqual({
      headers: slowClientMs.headers,
      request: slowClientMs.request,
      idle: slowClientMs.idle,
    });
    await stated.stop();
  });
});

describe('what is too large or unfolds', () => {
  test('[B11] headers above the bound are answered with 431', async () => {
    const socket = await dial();
    socket.write(
      `GET /livez HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(headerBytesMax)}\r\n\r\n`,
    );
    const answer = await untilEnd(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(answer).toContain('"code":"headers-too-large"');
  });

  test('[P1] what is no request is answered with 400 as a problem', async () => {
    const socket = await dial();
    socket.write('HELO there\r\n\r\n');
    const answer = await untilEnd(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":"bad-request"');
  });

  test('[P1] an address that is none is answered with 400 as a problem', async () => {
    const response = await fetch(`${server.url}/v1/sessions/%zz/clients/y`);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(await response.json()).toMatchObject({ code: 'bad-request' });
  });

  test('[F6] a compressed body is not unfolded', async () => {
    const bomb = gzipSync(JSON.stringify({ kind: 'tally', input: { bound: 1 } }));
    const response = await fetch(`${server.url}/v1/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: bomb,
    });
    expect(response.status).toBe(400);
  });

  test('[F6] compression offered for a WebSocket is not taken, and a frame that claims it ends the connection', async () => {
    const { resume_url } = await created();
    const socket = await dial();
    socket.write(
      `GET ${new URL(resume_url).pathname} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
        'Sec-WebSocket-Protocol: trackstand.v1\r\n' +
        'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n',
    );
    const answer = untilEnd(socket);
    await once(socket, 'data');
    // A text frame with RSV1, masked with zeros, of one byte.
    socket.write(Buffer.from([0xc1, 0x81, 0, 0, 0, 0, 0x78]));
    const text = await answer;
    expect(text).toMatch(/^HTTP\/1\.1 101 /);
    expect(text).not.toMatch(/sec-websocket-extensions/i);
    // The close frame: 0x88, two bytes of length, 1002.
    expect(Buffer.from(text, 'latin1').includes(Buffer.from([0x03, 0xea]))).toBe(true);
  });
});
