import 'fake-indexeddb/auto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, onTestFinished, test, vi } from 'vitest';

import { indexedDbStorage } from '../../client/indexed-db-storage.ts';
import { memoryStorage, type SessionStorage } from '../../client/session-storage.ts';
import { FileStorage } from '../chaos/file-storage.ts';
import { addCommand as command, storedSession as session } from '../support/stored-session.ts';

let databaseCount = 0;
const stores: Record<string, () => Promise<SessionStorage>> = {
  memory: () => Promise.resolve(memoryStorage()),
  IndexedDB: () => indexedDbStorage(`test-${++databaseCount}`),
  'a folder': async () => {
    const folder = await mkdtemp(join(tmpdir(), 'trackstand-storage-'));
    const storage = await FileStorage.open(folder);
    onTestFinished(async () => {
      await storage.close();
      await rm(folder, { recursive: true });
    });
    return storage;
  },
};

describe.each(Object.entries(stores))('a session kept in %s', (_name, open) => {
  test('nothing is there before something was saved', async () => {
    expect(await (await open()).load()).toBeUndefined();
  });

  test('the session and its commands come back in order', async () => {
    const storage = await open();
    await storage.save(session);
    await storage.addCommands('first', 1, [command(1)]);
    await storage.addCommands('first', 2, [command(2), command(3)]);
    expect(await storage.load()).toEqual({ session, commands: [1, 2, 3].map(command) });
  });

  test('commands of another incarnation are not mixed in', async () => {
    const storage = await open();
    await storage.save({ ...session, incarnation: 'second' });
    await storage.addCommands('first', 1, [command(1)]);
    await storage.addCommands('second', 1, [command(9)]);
    expect((await storage.load())?.commands).toEqual([command(9)]);
  });

  test('more than ten commands stay in the order of their numbers', async () => {
    const storage = await open();
    await storage.save(session);
    const amounts = Array.from({ length: 120 }, (_, index) => index);
    for (const amount of amounts) await storage.addCommands('first', amount + 1, [command(amount)]);
    expect((await storage.load())?.commands).toEqual(amounts.map(command));
  });

  test('after the final receipt the commands are gone, those of former incarnations too, and later ones are kept under their numbers', async () => {
    const storage = await open();
    await storage.save(session);
    await storage.addCommands('first', 1, [command(1)]);
    const next = { ...session, incarnation: 'second' };
    await storage.save(next);
    await storage.addCommands('second', 1, [command(2), command(3)]);
    await storage.save({ ...next, forgottenCount: 2 });
    expect((await storage.load())?.commands).toEqual([]);
    await storage.addCommands('second', 3, [command(4)]);
    await storage.save({ ...next, forgottenCount: 2 });
    expect((await storage.load())?.commands).toEqual([command(4)]);
    await storage.save({ ...next, incarnation: 'first' });
    expect((await storage.load())?.commands).toEqual([]);
  });

  test('forgetting leaves nothing', async () => {
    const storage = await open();
    await storage.save(session);
    await storage.addCommands('first', 1, [command(1)]);
    await storage.clear();
    expect(await storage.load()).toBeUndefined();
  });
});

test('IndexedDB keeps a session across openings of the page', async () => {
  const first = await indexedDbStorage('kept');
  await first.save(session);
  await first.addCommands('first', 1, [command(1)]);
  expect(await (await indexedDbStorage('kept')).load()).toEqual({
    session,
    commands: [command(1)],
  });
});

test('[A6] [R7] a new token and a new incarnation are on disk before they count as kept; the rest need not be', async () => {
  const storage = await indexedDbStorage('durable');
  const transactions = vi.spyOn(IDBDatabase.prototype, 'transaction');
  onTestFinished(() => transactions.mockRestore());
  for (const change of [{}, { accepted: 2 }, { token: 'u' }, { token: 'u', accepted: 3 }])
    await storage.save({ ...session, ...change });
  await storage.save({ ...session, token: 'u', incarnation: 'second' });
  const durabilities = transactions.mock.results.map(
    ({ value }) => (value as IDBTransaction).durability,
  );
  expect(durabilities).toEqual(['strict', 'default', 'strict', 'default', 'strict']);
});
