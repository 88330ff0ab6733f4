/** One rider with the real client library. */
import { connect, SessionNotCreatedError, type LiveSession } from '../../client/connect.ts';
import { memoryStorage, type SessionStorage } from '../../client/session-storage.ts';
import { watchedLine, type Line } from './line.ts';
import { nothingRead, reading, type Reading, type Readings } from './reading.ts';

interface Read {
  readonly type: 'read';
  readonly data: Reading;
}
interface Taken {
  readonly type: 'taken';
  readonly data: Reading;
}

export type Live = LiveSession<Readings, Read>;

export interface Rider {
  readonly session: Live;
  readonly line: Line;
  readonly storage: SessionStorage;
  /** When the events not answered yet were due, oldest first. */
  readonly dueMs: number[];
  givenCount: number;
  /** What must come of all that was given. */
  expected: Readings;
  /** One event at a time is followed until Postgres has it: which, and since when. */
  followed: { readonly count: number; readonly sentMs: number } | undefined;
}

/** Hundreds begin at once: who is turned away while the stores are busy comes again. */
const triesMax = 5;
const againMs = 1_000;

async function beginSession(
  options: Parameters<typeof connect<Readings, object, Read, Taken>>[0],
  triesLeft = triesMax,
): Promise<Live> {
  try {
    return await connect(options);
  } catch (error) {
    if (!(error instanceof SessionNotCreatedError) || triesLeft === 1) throw error;
    await new Promise((resolve) => setTimeout(resolve, againMs));
    return beginSession(options, triesLeft - 1);
  }
}

/** Resolves when it is served. */
export async function begin(port: number): Promise<Rider> {
  const url = `http://127.0.0.1:${port}`;
  const line = watchedLine();
  const { WebSocket } = line;
  const storage = memoryStorage();
  const session = await beginSession({ url, session: reading, input: {}, WebSocket, storage });
  await until(session, ({ status }) => status === 'connected');
  return {
    session,
    line,
    storage,
    dueMs: [],
    givenCount: 0,
    expected: nothingRead,
    followed: undefined,
  };
}

export function until(
  session: Live,
  is: (view: ReturnType<Live['view']>) => boolean,
): Promise<void> {
  return new Promise((resolve) => {
    const stop = session.subscribe((view) => {
      if (!is(view)) return;
      resolve();
      // The subscription calls back before it returns.
      queueMicrotask(() => stop());
    });
  });
}
