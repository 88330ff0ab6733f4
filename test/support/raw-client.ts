/** A client that does only what a test says, frame by frame. */
import { randomBytes } from 'node:crypto';

import { WebSocket } from 'ws';

import type { ServerFrame } from '../../shared/protocol/frames.ts';

export interface Created {
  readonly client_id: string;
  readonly session_id: string;
  readonly resume_url: string;
  readonly origin: string;
  readonly expires_at: string;
}

export const newIncarnation = (): string => randomBytes(16).toString('base64url');

export async function createSession(url: string, body: object = {}): Promise<Created> {
  const response = await fetch(`${url}/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'tally', input: { bound: 1_000_000 }, ...body }),
  });
  if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as Created;
}

export interface RawClient {
  /** The next frame; rejects when the connection ends before one comes. */
  next(): Promise<ServerFrame>;
  /** The next frame of that type, passing over others. */
  nextOf<Type extends ServerFrame['type']>(
    type: Type,
  ): Promise<Extract<ServerFrame, { type: Type }>>;
  send(frame: object | string): void;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly socket: WebSocket;
}

export interface RawOptions {
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** Opens the WebSocket of a resume_url and says nothing yet. */
export async function openSocket(
  resumeUrl: string,
  { protocols = ['trackstand.v1'], headers = {} }: RawOptions = {},
): Promise<RawClient> {
  const { origin, pathname } = new URL(resumeUrl);
  const url = `${origin.replace('http', 'ws')}${pathname}`;
  const socket = new WebSocket(url, [...protocols], { headers });
  const frames: ServerFrame[] = [];
  const waiting: (() => void)[] = [];
  let ending: { code: number; reason: string } | undefined;
  const wake = (): void => {
    for (const resume of waiting.splice(0)) resume();
  };
  socket.on('message', (bytes: Buffer) => {
    frames.push(JSON.parse(bytes.toString('utf8')) as ServerFrame);
    wake();
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => {
      ending = { code, reason: reason.toString('utf8') };
      resolve(ending);
      wake();
    });
  });
  await new Promise((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('error', reject);
  });
  const next = async (): Promise<ServerFrame> => {
    for (;;) {
      const frame = frames.shift();
      if (frame !== undefined) return frame;
      if (ending !== undefined) throw new Error(`Closed: ${ending.code} ${ending.reason}`);
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  return {
    next,
    nextOf: async (type) => {
      for (;;) {
        const frame = await next();
        if (frame.type === type) return frame as never;
      }
    },
    send: (frame) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)),
    closed,
    socket,
  };
}

export function hello(created: Created, more: object = {}): object {
  const token = new URL(created.resume_url).hash.slice(1);
  return {
    type: 'hello',
    token,
    incarnation: 'incarnation-0000000001',
    kind: 'tally',
    version: 1,
    ...more,
  };
}

/** Opens, says hello, and waits until the session is live. */
export async function attach(
  created: Created,
  more: object = {},
): Promise<RawClient & { readonly greeting: readonly ServerFrame[] }> {
  const client = await openSocket(created.resume_url);
  client.send(hello(created, more));
  const greeting: ServerFrame[] = [];
  for (;;) {
    const frame = await client.next();
    greeting.push(frame);
    if (frame.type === 'live') return { ...client, greeting };
  }
}

export function adds(seq: number, ...amounts: readonly number[]): object {
  return { type: 'commands', seq, commands: amounts.map((amount) => ['add', { amount }, 1_000]) };
}

/** Resolves once the client was told that Postgres has everything up to that seq. */
export async function savedUpTo(client: RawClient, seq: number): Promise<ServerFrame> {
  for (;;) {
    const frame = await client.nextOf('watermarks');
    if (frame.checkpointed >= seq) return frame;
  }
}

/** The epoch a client was welcomed with. */
export function epochOf({ greeting }: { readonly greeting: readonly ServerFrame[] }): string {
  const [welcome] = greeting;
  if (welcome?.type !== 'welcome') throw new Error('The first frame is not welcome.');
  return welcome.epoch;
}
