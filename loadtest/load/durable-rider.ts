/** One rider with the real client library. */
import { connect, type LiveSession } from '../../client/connect.ts';
import { watchedLine, type Line } from './line.ts';
import { reading, type Reading } from './reading.ts';

export type Live = LiveSession<unknown, { readonly type: 'read'; readonly data: Reading }>;

export interface Rider {
  readonly session: Live;
  readonly line: Line;
  /** When the events not answered yet were due, oldest first. */
  readonly dueMs: number[];
}

/** Resolves when it is served. */
export async function begin(port: number): Promise<Rider> {
  const url = `http://127.0.0.1:${port}`;
  const line = watchedLine();
  const { WebSocket } = line;
  const session = await connect({ url, session: reading, input: {}, WebSocket });
  await new Promise<void>((resolve) => {
    const stop = session.subscribe(({ status }) => {
      if (status !== 'connected') return;
      resolve();
      // The subscription calls back before it returns.
      queueMicrotask(() => stop());
    });
  });
  return { session, line, dueMs: [] };
}
