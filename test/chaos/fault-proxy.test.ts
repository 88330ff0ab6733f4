import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

import { afterEach, describe, expect, test } from 'vitest';

import { startFaultProxy } from './fault-proxy.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A server that says everything back, and a proxy before it. */
async function withEcho() {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const proxy = await startFaultProxy(() => port);
  cleanups.push(() => server.close());
  cleanups.push(() => proxy.stop());
  return proxy;
}

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  cleanups.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Whatever ends it. */
function closed(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => {
    socket.once('close', resolve);
  });
}

async function echoOf(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return answer.toString();
}

describe('the proxy of faults', () => {
  test('carries both directions, and the end of one alone', async () => {
    const { port } = await withEcho();
    const socket = await dial(port);
    expect(await echoOf(socket, 'one')).toBe('one');
    socket.end('two');
    expect(String((await once(socket, 'data'))[0])).toBe('two');
    await once(socket, 'end');
  });

  test('a cut is a reset, and new connections are fine', async () => {
    const { port, cut } = await withEcho();
    const socket = await dial(port);
    expect(await echoOf(socket, 'one')).toBe('one');
    cut();
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
    expect(await echoOf(await dial(port), 'two')).toBe('two');
  });

  test('what is frozen arrives afterwards, in order', async () => {
    const { port, freeze } = await withEcho();
    const socket = await dial(port);
    expect(await echoOf(socket, 'one')).toBe('one');
    const release = freeze();
    const late = await dial(port);
    const heard: string[] = [];
    socket.on('data', (chunk: Buffer) => heard.push(chunk.toString()));
    socket.write('two');
    late.write('three');
    // A connection that is not frozen has gone both ways meanwhile.
    expect(await echoOf(await dial((await withEcho()).port), 'other')).toBe('other');
    expect(heard).toEqual([]);
    release();
    expect(String((await once(late, 'data'))[0])).toBe('three');
    expect(heard.join('')).toBe('two');
  });

  test('half-open connections carry nothing and end with a reset; those opened since are fine', async () => {
    const { port, halfOpen } = await withEcho();
    const socket = await dial(port);
    expect(await echoOf(socket, 'one')).toBe('one');
    const reset = halfOpen();
    const heard: string[] = [];
    socket.on('data', (chunk: Buffer) => heard.push(chunk.toString()));
    socket.write('lost');
    expect(await echoOf(await dial(port), 'two')).toBe('two');
    reset();
    await closed(socket);
    expect(heard).toEqual([]);
  });

  test('refuses while it is told to', async () => {
    const { port, refuse } = await withEcho();
    const accept = refuse();
    const refused = connect(port, '127.0.0.1').on('error', () => {});
    await closed(refused);
    accept();
    expect(await echoOf(await dial(port), 'two')).toBe('two');
  });
});
