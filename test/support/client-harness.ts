import type { ClientParts } from '../../client/client-parts.ts';
import { SessionClient } from '../../client/session-client.ts';
import {
  memoryStorage,
  type SessionStorage,
  type StoredSession,
} from '../../client/session-storage.ts';
/** A client over scripted sockets, with time and storage in the test's hands. */
import { defaultLimits } from '../../shared/protocol/limits.ts';
import { genesis } from '../../shared/session/fold.ts';
import { manualClock, type ManualClock } from './manual-clock.ts';
import { scriptedSockets, type ScriptedSocket } from './scripted-socket.ts';
import { tally, type TallyState } from './tally.ts';

export const stored = {
  sessionId: 'session',
  clientId: 'client-0000000000000001',
  url: 'http://ride.example/v1/sessions/session/clients/client',
  token: 'token-1',
  incarnation: 'incarnation-0000000001',
  accepted: 0,
  checkpointed: 0,
  input: { bound: 1_000 },
  snapshot: genesis(tally, { bound: 1_000 }),
};

export const welcome = {
  type: 'welcome',
  result: 'new',
  epoch: 'e',
  accepted: 0,
  checkpointed: 0,
  hashes: [],
  head: 0,
  proof: 'p',
  token: 'token-2',
  heartbeat_ms: 20_000,
  pong_timeout_ms: 10_000,
  retention_ms: 1_000,
  backoff_ms: [200, 20_000],
  limits: defaultLimits,
  release: 'r',
};
export const writer = {
  client_id: stored.clientId,
  incarnation: stored.incarnation,
  generation: 1,
  accepted: 0,
  hashes: [],
  at_ms: 0,
};
export const joinedSnapshot = { ...stored.snapshot, offset: 1, writers: [writer] };

export interface ClientHarness {
  readonly clock: ManualClock;
  readonly sockets: readonly ScriptedSocket[];
  readonly storage: SessionStorage;
  readonly client: SessionClient;
  readonly warnings: readonly unknown[];
  readonly socketAt: (index: number) => ScriptedSocket;
  readonly total: () => number;
}

/** A client that has opened its first socket. */
export function startClient(
  options: Pick<ClientParts, 'keepsCommands'> = {},
  kept: { readonly session?: StoredSession; readonly storage?: SessionStorage } = {},
): ClientHarness {
  const clock = manualClock();
  const { session = stored, storage = memoryStorage() } = kept;
  const warnings: unknown[] = [];
  const { WebSocket, sockets } = scriptedSockets();
  let count = 1;
  const client = new SessionClient(session, [], {
    model: tally,
    storage,
    WebSocket,
    clock,
    random: () => 0.5,
    newId: () => `incarnation-000000000${++count}`,
    warn: (problem) => warnings.push(problem),
    ...options,
  });
  client.start();
  return {
    clock,
    sockets,
    storage,
    client,
    warnings,
    socketAt: (index) => {
      const socket = sockets.at(index);
      if (socket === undefined) throw new Error('There is no such socket.');
      return socket;
    },
    total: () => (client.view().state as TallyState).total,
  };
}

/** A few turns, after which everything under way in memory is done. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

export function greet(
  socket: ScriptedSocket,
  more: object = {},
  snapshot: object = joinedSnapshot,
): void {
  socket.open();
  socket.receive({ ...welcome, ...more });
  socket.receive({ type: 'snapshot', snapshot });
  socket.receive({ type: 'live', offset: 1 });
}

export const entry = (offset: number, seq: number, amount: number): object => ({
  offset,
  writer: 0,
  seq,
  at_ms: 1,
  hash: 'x',
  events: [['added', { amount, clientId: stored.clientId, atMs: 1 }]],
});

/** Of a device that is no writer here. */
export const foreign = (offset: number): object => ({
  offset,
  writer: 1,
  seq: offset,
  at_ms: 1,
  hash: 'x',
  events: [['added', { amount: 1, clientId: 'other', atMs: 1 }]],
});
