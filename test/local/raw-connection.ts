/** A client of the Postgres wire protocol that sends exactly what a test says. */
import { connect, type Socket } from 'node:net';

import { cString, decodeMessages, encodeMessage } from '../../deploy/local/pglite/wire-bytes.ts';

/** An unnamed statement parsed, bound and executed, a `raw` message, or a wish for answers. */
export type PipelineStep = { readonly sql: string } | { readonly raw: Buffer } | 'flush' | 'sync';

/** A connection after its start-up, which sends what it is given. */
export interface RawConnection {
  /** Sends the steps in one write. */
  send(steps: readonly PipelineStep[]): void;
  /** Waits until `count` messages of the type have come, and gives the types of everything that came since last asked. */
  receive(type: string, count: number): Promise<readonly string[]>;
  /** Resolves when the server has ended the connection. */
  readonly ended: Promise<void>;
  /** Breaks the connection without a word. */
  cut(): void;
}

/**
 * Sends the steps in one write, waits for `awaited` as often as the steps make it come, then breaks the connection.
 * Gives the types of the answers; parameters and notices are left out.
 */
export async function pipeline(
  url: string,
  steps: readonly PipelineStep[],
  awaited = 'Z',
): Promise<readonly string[]> {
  const connection = await openRaw(url);
  connection.send(steps);
  const count = awaited === 'Z' ? steps.filter((step) => step === 'sync').length : 1;
  const types = await connection.receive(awaited, count);
  connection.cut();
  return types;
}

/** Connects and waits until the server is ready. */
export async function openRaw(url: string): Promise<RawConnection> {
  const { socket, parameters } = dial(new URL(url));
  let unread = Buffer.alloc(0);
  let types: string[] = [];
  let wake: (() => void) | undefined;
  socket.on('error', () => {});
  const ended = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.on('data', (chunk: Buffer) => {
    unread = Buffer.concat([unread, chunk]);
    for (const { type, body } of decodeMessages(unread)) {
      if (body.length !== unread.readInt32BE(1) - 4) break;
      unread = unread.subarray(5 + body.length);
      if (!'SNRK'.includes(type)) types.push(type);
    }
    wake?.();
  });
  const receive = async (type: string, count: number): Promise<readonly string[]> => {
    while (types.filter((one) => one === type).length < count) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const received = types;
    types = [];
    return received;
  };
  socket.write(startup(parameters));
  await receive('Z', 1);
  return {
    send: (steps) => void socket.write(Buffer.concat(steps.flatMap(encodeStep))),
    receive,
    ended,
    cut: () => void socket.destroy(),
  };
}

function dial(url: URL): { socket: Socket; parameters: Record<string, string> } {
  const folder = url.searchParams.get('host');
  const socket =
    folder === null
      ? connect(Number(url.port), url.hostname)
      : connect(`${folder}/.s.PGSQL.${url.port === '' ? 5432 : url.port}`);
  const options = url.searchParams.get('options');
  const parameters = {
    user: 'postgres',
    database: url.pathname.slice(1),
    ...(options && { options }),
  };
  return { socket, parameters };
}

function startup(parameters: Record<string, string>): Buffer {
  const words = [...Object.entries(parameters).flat(), ''].map(cString);
  const body = Buffer.concat([Buffer.from([0, 3, 0, 0]), ...words]);
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([length, body]);
}

function encodeStep(step: PipelineStep): readonly Buffer[] {
  if (step === 'sync') return [encodeMessage('S')];
  if (step === 'flush') return [encodeMessage('H')];
  if ('raw' in step) return [step.raw];
  return [parseMessage(step.sql), bindMessage(), executeMessage()];
}

/** Prepares a statement without parameters. */
export function parseMessage(sql: string, name = ''): Buffer {
  return encodeMessage('P', Buffer.concat([cString(name), cString(sql), Buffer.alloc(2)]));
}

/** Binds a statement without parameters to the unnamed portal. */
export function bindMessage(name = ''): Buffer {
  return encodeMessage('B', Buffer.concat([cString(''), cString(name), Buffer.alloc(6)]));
}

/** Runs the unnamed portal to its end. */
export function executeMessage(): Buffer {
  return encodeMessage('E', Buffer.concat([cString(''), Buffer.alloc(4)]));
}
