/**
 * A device's storage in a folder, for client and session of one device. What was kept is with the operating system, and so outlives
 * `kill -9` of the process; a line that was half written then is dropped when it is opened again.
 */
import { open, readFile, rename, rm, truncate, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

import type { SessionStorage, StoredSession } from '../../client/session-storage.ts';
import type { WireCommand } from '../../shared/protocol/frames.ts';

/** A line of the commands' file; the first command has that seq. */
type Added = readonly [incarnation: string, seq: number, commands: readonly WireCommand[]];

type Kept = NonNullable<Awaited<ReturnType<SessionStorage['load']>>>;

export class FileStorage implements SessionStorage {
  readonly #folder: string;
  #commandsFile: FileHandle;
  /** Every command by incarnation, those forgotten too: a place is a seq. */
  readonly #counts = new Map<string, number>();
  #forgottenCount = 0;
  #lastDone: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, commandsFile: FileHandle) {
    this.#folder = folder;
    this.#commandsFile = commandsFile;
  }

  /** With all that an earlier process kept in that folder, which is there already. */
  static async open(folder: string): Promise<FileStorage> {
    const path = join(folder, commandsName);
    const text = await readIfThere(path);
    await truncate(path, Buffer.byteLength(wholeLines(text))).catch(ifThere);
    const storage = new FileStorage(folder, await open(path, 'a'));
    for (const [incarnation, commands] of await storage.#commands())
      storage.#counts.set(incarnation, commands.length);
    const { incarnation = '', forgottenCount = 0 } = (await storage.#session()) ?? {};
    storage.#forgottenCount = forgottenCount;
    // When all were forgotten, the file says nothing of them.
    const count = Math.max(storage.#counts.get(incarnation) ?? 0, forgottenCount);
    storage.#counts.set(incarnation, count);
    return storage;
  }

  load(): Promise<Kept | undefined> {
    return this.#inOrder(async () => {
      const session = await this.#session();
      if (session === undefined) return undefined;
      const commands = (await this.#commands()).get(session.incarnation) ?? [];
      return { session, commands: commands.slice(session.forgottenCount ?? 0) };
    });
  }

  save(session: StoredSession): Promise<void> {
    const path = join(this.#folder, sessionName);
    return this.#inOrder(async () => {
      await replaceFile(path, JSON.stringify(session));
      const { forgottenCount = 0 } = session;
      if (forgottenCount > this.#forgottenCount) await this.#forget(session);
      this.#forgottenCount = forgottenCount;
    });
  }

  addCommands(incarnation: string, seq: number, commands: readonly WireCommand[]): Promise<void> {
    return this.#inOrder(async () => {
      if (seq > (this.#counts.get(incarnation) ?? 0) + 1)
        throw new Error('Commands are kept in order.');
      const added: Added = [incarnation, seq, commands];
      await this.#commandsFile.appendFile(`${JSON.stringify(added)}\n`);
      const through = seq - 1 + commands.length;
      this.#counts.set(incarnation, Math.max(through, this.#counts.get(incarnation) ?? 0));
    });
  }

  clear(): Promise<void> {
    return this.#inOrder(async () => {
      this.#counts.clear();
      this.#forgottenCount = 0;
      await rm(join(this.#folder, sessionName), { force: true });
      await this.#commandsFile.truncate();
    });
  }

  async close(): Promise<void> {
    await this.#inOrder(() => this.#commandsFile.close());
  }

  async #session(): Promise<StoredSession | undefined> {
    const text = await readIfThere(join(this.#folder, sessionName));
    return text === '' ? undefined : (JSON.parse(text) as StoredSession);
  }

  /** What is left of the commands becomes the file. [L1] */
  async #forget({ incarnation, forgottenCount = 0 }: StoredSession): Promise<void> {
    const path = join(this.#folder, commandsName);
    const left = (await this.#commands()).get(incarnation)?.slice(forgottenCount) ?? [];
    const added: Added = [incarnation, forgottenCount + 1, left];
    await replaceFile(path, left.length === 0 ? '' : `${JSON.stringify(added)}\n`);
    await this.#commandsFile.close();
    this.#commandsFile = await open(path, 'a');
    this.#counts.clear();
    this.#counts.set(incarnation, forgottenCount + left.length);
  }

  async #commands(): Promise<ReadonlyMap<string, readonly WireCommand[]>> {
    const text = await readIfThere(join(this.#folder, commandsName));
    const kept = new Map<string, WireCommand[]>();
    for (const line of text.split('\n').slice(0, -1)) {
      const [incarnation, seq, commands] = JSON.parse(line) as Added;
      const list = kept.get(incarnation) ?? [];
      kept.set(incarnation, list);
      // What was forgotten is a hole, so that a place stays a seq.
      for (const [place, command] of commands.entries()) list[seq - 1 + place] = command;
    }
    return kept;
  }

  /** One after the other, whatever became of those before. */
  #inOrder<Value>(work: () => Promise<Value>): Promise<Value> {
    const done = this.#lastDone.then(work, work);
    this.#lastDone = done.catch(() => {});
    return done;
  }
}

const sessionName = 'session.json';
const commandsName = 'commands.jsonl';

function wholeLines(text: string): string {
  return text.slice(0, text.lastIndexOf('\n') + 1);
}

async function readIfThere(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(ifThere)) ?? '';
}

/** Whole: the former content or the next, whenever the process ends. */
async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.next`, text);
  await rename(`${path}.next`, path);
}

function ifThere(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
