import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { expect, onTestFinished, test } from 'vitest';

import { getJson } from './get-json.ts';

async function serverThatSays(text: string): Promise<string> {
  const server = createServer((_, response) => response.end(text)).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('an answer in JSON comes with its status', async () => {
  const url = await serverThatSays('{"offset":3}');
  expect(await getJson(url, 't')).toEqual({ status: 200, body: { offset: 3 } });
});

test('an answer that is no JSON, as one that was cut, counts as none', async () => {
  const url = await serverThatSays('{"offs');
  expect(await getJson(url, 't')).toEqual({ status: 0, body: {} });
});
