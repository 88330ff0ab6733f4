/** One client of the embedded database, from its start-up message to the end of its connection. */
import type { Socket } from 'node:net';

import type { Backend, BackendClient, Turn } from './backend.ts';
import { readClientMessages } from './client-messages.ts';
import { startupSettings } from './settings.ts';
import { changesSettings, refuse } from './shared-session.ts';
import { createStatementNames, readText, type StatementNames } from './statement-names.ts';
import {
  cString,
  encodeCloseStatement,
  encodeFatal,
  encodeWelcome,
  syncMessage,
} from './wire-bytes.ts';
import { WireError } from './wire-error.ts';

/** Bytes a client may send before it asks for an answer. */
const unansweredBytesMax = 64 * 1024 * 1024;
const databaseName = 'postgres';

/** What all clients of a server share. */
export interface WireContext {
  readonly backend: Backend;
  /** Parameters every client is told at its start: `server_version` and the like. */
  readonly parameters: ReadonlyMap<string, string>;
  /** A client inside a transaction that says nothing for so long is put out, because everybody waits for it. */
  readonly idleInTransactionMs: number;
}

interface Client extends BackendClient {
  readonly context: WireContext;
  readonly socket: Socket;
  readonly names: StatementNames;
  /** Whether a statement since the last answer may have changed settings. */
  mayHaveChangedSettings: boolean;
  /** Whether a named statement may change settings each time it is executed. */
  hasPreparedChange: boolean;
  /** Held from the first message of a statement or transaction to its end. */
  turn: Turn | undefined;
}

/** Resolves when the connection has ended and left nothing behind; a broken connection is no error. `clientNumber` never comes twice. */
export async function serveClient(
  context: WireContext,
  socket: Socket,
  clientNumber: number,
): Promise<void> {
  const client: Client = {
    context,
    socket,
    settings: [],
    names: createStatementNames(clientNumber),
    mayHaveChangedSettings: false,
    hasPreparedChange: false,
    turn: undefined,
  };
  // A write to a client that is gone fails too; the loop that reads from it is where that is noticed.
  socket.on('error', () => {});
  socket.on('timeout', () => putOut(socket));
  try {
    await converse(client);
  } catch (error) {
    if (error instanceof WireError) tell(socket, encodeFatal(error.code, error.message));
  } finally {
    await leave(client);
    socket.destroySoon();
  }
}

async function converse(client: Client): Promise<void> {
  const { socket } = client;
  let unanswered: Buffer[] = [];
  let unansweredBytes = 0;
  for await (const message of readClientMessages(socket.iterator({ destroyOnReturn: false }))) {
    socket.setTimeout(0);
    if (message.kind === 'encryption-request') tell(socket, Buffer.from('N'));
    else if (message.kind === 'cancel-request') return;
    else if (message.kind === 'startup') await welcome(client, message.parameters);
    else if (message.type === 'X') return;
    // CopyData, CopyDone and CopyFail are leftovers of a COPY that was refused.
    else if (!'dcf'.includes(message.type)) {
      const bytes = prepare(client, message.type, message.body);
      unanswered.push(bytes);
      unansweredBytes += bytes.length;
      if (unansweredBytes > unansweredBytesMax) throw new WireError('54000', 'Too much at once');
      if (!isAnswered(message.type)) continue;
      await answer(client, Buffer.concat(unanswered), message.type);
      unanswered = [];
      unansweredBytes = 0;
    }
    if (client.turn !== undefined) socket.setTimeout(client.context.idleInTransactionMs);
  }
}

/** Query, Sync, Flush and FunctionCall: the client waits for what they bring before it sends more. */
function isAnswered(type: string): boolean {
  return 'QSHF'.includes(type);
}

async function welcome(client: Client, parameters: ReadonlyMap<string, string>): Promise<void> {
  const name = parameters.get('database') ?? parameters.get('user') ?? '';
  if (name !== databaseName) throw new WireError('3D000', `database "${name}" does not exist`);
  client.settings = startupSettings(parameters);
  // Taken once now, so that a setting that does not exist is told at the start.
  const turn = await client.context.backend.take(client);
  turn.end();
  tell(client.socket, encodeWelcome(client.context.parameters));
}

async function answer(client: Client, messages: Buffer, lastType: string): Promise<void> {
  client.turn ??= await client.context.backend.take(client);
  await client.turn.run(messages, (bytes) => tell(client.socket, bytes));
  // After a Flush the implicit transaction of an extended query is still open.
  if (lastType === 'H' || client.turn.isInTransaction()) return;
  await endTurn(client, client.turn);
}

async function endTurn(client: Client, turn: Turn): Promise<void> {
  if (client.mayHaveChangedSettings || client.hasPreparedChange) await turn.keepSettings();
  client.mayHaveChangedSettings = false;
  client.turn = undefined;
  turn.end();
}

/** Undoes an open transaction and forgets what the client prepared. */
async function leave(client: Client): Promise<void> {
  const prepared = client.names.all();
  if (client.turn === undefined && prepared.length === 0) return;
  const turn = client.turn ?? (await client.context.backend.take(client));
  await turn.rollBack();
  const closing = prepared.map((name) => encodeCloseStatement(name));
  await turn.run(Buffer.concat([...closing, syncMessage]), () => {});
  await endTurn(client, turn);
}

/** The message for the backend: names of its own, and SQL that fails in place of SQL the shared session cannot run. */
function prepare(client: Client, type: string, body: Buffer): Buffer {
  if (type !== 'Q' && type !== 'P') return client.names.translate(type, body);
  const sqlAt = type === 'Q' ? 0 : body.indexOf(0) + 1;
  const sql = readText(body, sqlAt);
  if (changesSettings(sql)) {
    client.mayHaveChangedSettings = true;
    client.hasPreparedChange ||= sqlAt > 1;
  }
  const refusal = refuse(sql);
  if (refusal === undefined) return client.names.translate(type, body);
  const after = sqlAt + Buffer.byteLength(sql) + 1;
  const parts = [body.subarray(0, sqlAt), cString(refusal), body.subarray(after)];
  return client.names.translate(type, Buffer.concat(parts));
}

function putOut(socket: Socket): void {
  tell(socket, encodeFatal('25P03', 'terminating connection due to idle-in-transaction timeout'));
  // Destroyed rather than ended: a client that does not read would go on keeping everybody waiting.
  socket.destroy();
}

function tell(socket: Socket, bytes: Buffer): void {
  if (socket.writable) socket.write(bytes);
}
