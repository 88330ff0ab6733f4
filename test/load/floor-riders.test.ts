import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { expect, test } from 'vitest';
import { WebSocketServer } from 'ws';

import { floorFleet } from '../../loadtest/load/floor-riders.ts';

test('riders of a floor come back after a break, and what was under way is counted as lost', async () => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  let isAnswering = false;
  server.on('connection', (socket) =>
    socket.on('message', (data: Buffer) => isAnswering && socket.send(data.toString())),
  );
  const fleet = floorFleet('echo');
  const { port } = server.address() as AddressInfo;
  await fleet.connect({ kind: 'connect', subject: 'echo', port, count: 3 });
  const riding = fleet.ride({ kind: 'ride', seconds: 2, load: { inFlight: 1 } });
  const recovering = fleet.recover({ kind: 'break', isOwn: false });
  isAnswering = true;
  for (const socket of server.clients) socket.terminate();
  const { backMs, dialCount, missing } = await recovering;
  expect({ back: backMs.length, dialCount, missing }).toEqual({
    back: 3,
    dialCount: 3,
    missing: 0,
  });
  expect(await riding).toMatchObject({ missing: 3 });
  for (const socket of server.clients) socket.terminate();
  server.close();
});
