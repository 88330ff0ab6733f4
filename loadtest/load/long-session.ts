/** A session with a long past, and a client that missed its latest part: on the bare wire, so that only the server's work is there. */
import { once } from 'node:events';

import { WebSocket } from 'ws';

import { readingAt } from './reading.ts';

export interface LongSession {
  /** Comes back. Resolves to the entries that were replayed when the client has all that it missed. */
  resume(port: number): Promise<number>;
}

export interface LongPlan {
  readonly eventCount: number;
  readonly missedCount: number;
}

const frameCommands = 240;

/** Sent before it is waited until they are saved: below the bound of what may be unsaved, beyond which commands are put aside. [B10] */
const unsavedMax = 2_400;

interface Frame {
  readonly type: string;
  readonly [field: string]: unknown;
}

export async function makeLongSession(firstPort: number, plan: LongPlan): Promise<LongSession> {
  const { eventCount, missedCount } = plan;
  const answer = await fetch(`http://127.0.0.1:${firstPort}/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'reading', input: {} }),
  });
  const { resume_url: resumeUrl } = (await answer.json()) as { readonly resume_url: string };
  const { pathname, hash } = new URL(resumeUrl);
  let token = hash.slice(1);
  let position: object | undefined;
  const attach = async (port: number): Promise<{ socket: WebSocket; frames: Frames }> => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${pathname}`, ['trackstand.v1']);
    const frames = framesOf(socket);
    await once(socket, 'open');
    const hello = { type: 'hello', token, kind: 'reading', version: 1 };
    const incarnation = 'a-rider-of-two-hours-or-more';
    socket.send(JSON.stringify({ ...hello, incarnation, position }));
    const welcome = await frames.next(({ type }) => type === 'welcome');
    token = String(welcome['token']);
    // Its own joining is the first entry.
    position ??= { epoch: welcome['epoch'], offset: 1 + eventCount - missedCount };
    return { socket, frames };
  };
  const { socket, frames } = await attach(firstPort);
  for (let seq = 1; seq <= eventCount; seq += frameCommands) {
    const commands = Array.from({ length: frameCommands }, (_, place) => [
      'read',
      readingAt(seq + place),
      Date.now(),
    ]);
    socket.send(JSON.stringify({ type: 'commands', seq, commands }));
    const last = seq + frameCommands - 1;
    const isPause = last % unsavedMax === 0 || last >= eventCount;
    await frames.next((frame) => Number(frame[isPause ? 'checkpointed' : 'accepted']) >= last);
  }
  socket.terminate();
  return {
    resume: async (port) => {
      const again = await attach(port);
      let replayed = 0;
      await again.frames.next(({ type, entries }) => {
        if (type === 'entries') replayed += (entries as unknown[]).length;
        return type === 'live';
      });
      again.socket.terminate();
      return replayed;
    },
  };
}

interface Frames {
  /** The next one that fits, of those that came and come; what comes before it is passed over. */
  next(fits: (frame: Frame) => boolean): Promise<Frame>;
}

function framesOf(socket: WebSocket): Frames {
  const waiting: Frame[] = [];
  let look = (): void => {};
  let closed: Error | undefined;
  let fail = (_error: Error): void => {};
  socket.on('message', (data: Buffer) => {
    const frame = JSON.parse(data.toString()) as Frame;
    if (frame.type === 'ping') socket.send(JSON.stringify({ type: 'pong', n: frame['n'] }));
    waiting.push(frame);
    look();
  });
  socket.on('close', (code, reason) => {
    closed = new Error(`The connection was closed with ${code} ${reason.toString()}.`);
    fail(closed);
  });
  return {
    next: (fits) =>
      new Promise((resolve, reject) => {
        fail = reject;
        if (closed !== undefined) reject(closed);
        look = () => {
          while (waiting.length > 0) {
            const frame = waiting.shift();
            if (frame === undefined || !fits(frame)) continue;
            look = () => {};
            resolve(frame);
            return;
          }
        };
        look();
      }),
  };
}
