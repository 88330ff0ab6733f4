import { beforeEach, describe, expect, test } from 'vitest';

import {
  entry,
  greet,
  joinedSnapshot,
  settle,
  startClient,
  welcome,
  writer,
  type ClientHarness,
} from '../support/client-harness.ts';

const snapshotAt = (offset: number, own: object) => ({
  ...joinedSnapshot,
  offset,
  writers: [{ ...writer, ...own }],
});

describe('a client at the end of its session', () => {
  let clock: ClientHarness['clock'];
  let client: ClientHarness['client'];
  let storage: ClientHarness['storage'];
  let socketAt: ClientHarness['socketAt'];

  beforeEach(() => {
    ({ clock, client, storage, socketAt } = startClient());
  });

  async function givesOne(): Promise<void> {
    greet(socketAt(0));
    client.send('add', { amount: 5 });
    await settle();
    const watermarks = { accepted: 1, checkpointed: 0, proof: 'p' };
    socketAt(0).receive({ type: 'entries', ...watermarks, entries: [entry(2, 1, 5)] });
  }

  const kept = async () => (await storage.load())?.commands.length;

  test('it keeps everything until all of it is checkpointed, and then only what it shows', async () => {
    await givesOne();
    socketAt(0).receive({ type: 'final', offset: 2 });
    await settle();
    expect([client.view().isFinal, await kept()]).toEqual([false, 1]);
    socketAt(0).receive({ type: 'watermarks', accepted: 1, checkpointed: 1 });
    socketAt(0).receive({ type: 'final', offset: 1 });
    await settle();
    expect([client.view().isFinal, await kept()]).toEqual([false, 1]);
    socketAt(0).receive({ type: 'final', offset: 2 });
    await settle();
    expect([client.view().isFinal, await kept()]).toEqual([true, 0]);
    expect((await storage.load())?.session).toMatchObject({
      forgottenCount: 1,
      snapshot: { state: { total: 5 } },
    });
  });

  test('for an app that reads them the commands stay', async () => {
    ({ clock, client, storage, socketAt } = startClient({ keepsCommands: true }));
    await givesOne();
    socketAt(0).receive({ type: 'watermarks', accepted: 1, checkpointed: 1 });
    socketAt(0).receive({ type: 'final', offset: 2 });
    await settle();
    expect([client.view().isFinal, await kept()]).toEqual([true, 1]);
  });

  test('a command after it is kept and sent under the next number', async () => {
    await givesOne();
    socketAt(0).receive({ type: 'watermarks', accepted: 1, checkpointed: 1 });
    socketAt(0).receive({ type: 'final', offset: 2 });
    client.send('add', { amount: 6 });
    await settle();
    clock.pass(100);
    expect([client.view().isFinal, await kept()]).toEqual([false, 1]);
    expect(socketAt(0).sent.at(-1)).toMatchObject({ type: 'commands', seq: 2 });
  });

  test('a server that went back behind it is told of under a new name, and the loss is counted', async () => {
    await givesOne();
    socketAt(0).receive({ type: 'watermarks', accepted: 1, checkpointed: 1 });
    socketAt(0).receive({ type: 'final', offset: 2 });
    await settle();
    socketAt(0).end(1006);
    clock.pass(200);
    socketAt(1).open();
    socketAt(1).receive({ ...welcome, epoch: 'older', result: 'rebuilt' });
    socketAt(2).open();
    expect(socketAt(2).sent[0]).toMatchObject({ incarnation: 'incarnation-0000000002' });
    socketAt(2).receive({ ...welcome, epoch: 'older', result: 'rebuilt' });
    socketAt(2).receive({ type: 'snapshot', snapshot: joinedSnapshot });
    socketAt(2).receive({ type: 'live', offset: 1 });
    expect(client.view()).toMatchObject({ unsaved: 0, receipt: { lost: 1, result: 'rebuilt' } });
  });

  test('what came too late is counted when the answer comes, told once, and not removed', async () => {
    await givesOne();
    client.send('add', { amount: 6 });
    await settle();
    socketAt(0).end(1006);
    clock.pass(200);
    socketAt(1).open();
    socketAt(1).receive({ ...welcome, epoch: 'e2', result: 'rebuilt', accepted: 1, hashes: [] });
    socketAt(1).receive({ type: 'snapshot', snapshot: snapshotAt(3, { accepted: 1 }) });
    socketAt(1).receive({ type: 'live', offset: 3 });
    expect(client.view().receipt).toMatchObject({ lost: 0 });
    socketAt(1).end(1006);
    clock.pass(500);
    socketAt(2).open();
    const both = { accepted: 2, checkpointed: 2 };
    socketAt(2).receive({ ...welcome, epoch: 'e2', result: 'resumed', ...both });
    socketAt(2).receive({
      type: 'snapshot',
      snapshot: snapshotAt(4, { accepted: 2, lost: 1 }),
    });
    socketAt(2).receive({ type: 'live', offset: 4 });
    expect(client.view().receipt).toMatchObject({ lost: 1 });
    socketAt(2).receive({ type: 'final', offset: 4 });
    await settle();
    expect([client.view().isFinal, await kept()]).toEqual([true, 2]);
  });

  test('a session whose time is over stops it, says how many commands it had too many, and keeps them', async () => {
    greet(socketAt(0));
    client.send('add', { amount: 5 });
    client.send('add', { amount: 6 });
    await settle();
    socketAt(0).end(1006);
    clock.pass(200);
    socketAt(1).open();
    socketAt(1).receive({ type: 'gone', reason: 'abandoned', ended_ms: 5, accepted: 1 });
    socketAt(1).end(4005);
    expect(client.view()).toMatchObject({
      status: 'stopped',
      stopReason: 'session-gone',
      receipt: { lost: 1, result: 'gone' },
    });
    expect(await kept()).toBe(2);
  });

  test('[L6] a session its owner deleted stops it, and nothing counts as lost', async () => {
    greet(socketAt(0));
    client.send('add', { amount: 5 });
    await settle();
    socketAt(0).end(4110);
    clock.pass(200);
    socketAt(1).open();
    socketAt(1).receive({ type: 'gone', reason: 'deleted', ended_ms: 5, accepted: 0 });
    socketAt(1).end(4005);
    expect(client.view()).toMatchObject({
      status: 'stopped',
      stopReason: 'session-gone',
      receipt: { lost: 0, result: 'deleted' },
    });
  });
});
