import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { addCommand as command, storedSession as session } from '../support/stored-session.ts';
import { FileStorage } from './file-storage.ts';

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'trackstand-storage-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

async function openIn(folder: string): Promise<FileStorage> {
  const storage = await FileStorage.open(folder);
  onTestFinished(() => storage.close());
  return storage;
}

test('what one process kept the next one goes on with, while the first was never told to close', async () => {
  const folder = await makeFolder();
  const first = await openIn(folder);
  await first.save(session);
  await first.addCommands('first', 1, [command(1), command(2)]);
  const next = await openIn(folder);
  await next.addCommands('first', 3, [command(3)]);
  expect(await next.load()).toEqual({ session, commands: [1, 2, 3].map(command) });
});

test('a line that was cut by a kill is dropped, and the next command takes its place', async () => {
  const folder = await makeFolder();
  const first = await openIn(folder);
  await first.save(session);
  await first.addCommands('first', 1, [command(1)]);
  await appendFile(join(folder, 'commands.jsonl'), '["first",2,[["add",{"am');
  const next = await openIn(folder);
  expect((await next.load())?.commands).toEqual([command(1)]);
  await next.addCommands('first', 2, [command(2)]);
  expect((await next.load())?.commands).toEqual([command(1), command(2)]);
});

test('what was forgotten stays so in the next process, and later commands keep their numbers', async () => {
  const folder = await makeFolder();
  const first = await openIn(folder);
  await first.save(session);
  await first.addCommands('first', 1, [command(1), command(2), command(3)]);
  await first.save({ ...session, forgottenCount: 2 });
  const next = await openIn(folder);
  await next.addCommands('first', 4, [command(4)]);
  expect((await next.load())?.commands).toEqual([command(3), command(4)]);
});

test('when all was forgotten, the next process keeps later commands', async () => {
  const folder = await makeFolder();
  const first = await openIn(folder);
  await first.save(session);
  await first.addCommands('first', 1, [command(1), command(2)]);
  await first.save({ ...session, forgottenCount: 2 });
  const next = await openIn(folder);
  await expect(next.addCommands('first', 4, [command(4)])).rejects.toThrow(/order/);
  await next.addCommands('first', 3, [command(3)]);
  expect((await next.load())?.commands).toEqual([command(3)]);
});

test('commands out of order are not kept', async () => {
  const storage = await openIn(await makeFolder());
  await storage.save(session);
  await expect(storage.addCommands('first', 2, [command(2)])).rejects.toThrow(/order/);
});
