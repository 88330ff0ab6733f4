/** The public door of the client: take a session up again, or begin one, and never think of the connection. */
import { systemClock, type Clock } from '../shared/clock.ts';
import { sizeFault } from '../shared/protocol/command-size.ts';
import { defaultLimits } from '../shared/protocol/limits.ts';
import { genesis } from '../shared/session/fold.ts';
import type { AnyNamed, SessionModel } from '../shared/session/session-model.ts';
import {
  askForSession,
  isPassing,
  keyedId,
  promptly,
  readResumeUrl,
  SessionNotCreatedError,
} from './begin-session.ts';
import { readKept } from './kept-session.ts';
import type { WebSocketConstructor } from './link.ts';
import { newId } from './new-id.ts';
import { SessionClient } from './session-client.ts';
import { memoryStorage, type SessionStorage, type StoredSession } from './session-storage.ts';
import type { ClientView } from './status.ts';
import type { TabHold } from './tab-hold.ts';
import { listenForWake } from './wake-signals.ts';

export interface ConnectOptions<State, Input, Command extends AnyNamed, Event extends AnyNamed> {
  /** Where the service is, for example `https://ride.example`. Needed to begin a session; it need not be in reach. */
  readonly url?: string | undefined;
  readonly session: SessionModel<State, Input, Command, Event>;
  /** What a new session begins with, when storage holds none to go on with. */
  readonly input?: Input | undefined;
  /** This device's id, when the app keeps one; else the service gives one out. */
  readonly clientId?: string | undefined;
  /** A session of another page or device to take up, as `POST /v1/sessions` returned it. */
  readonly resumeUrl?: string | undefined;
  /** Where the session is kept; memory by default. */
  readonly storage?: SessionStorage | undefined;
  /** Whether storage holds the commands of a finished session until `forget`, for an app that makes something of them; else they go. */
  readonly keepsCommands?: boolean | undefined;
  /** This tab's hold on the session: the session stops here when another tab takes it over, and closing it lets go. */
  readonly hold?: Pick<TabHold, 'lost' | 'release'> | undefined;
  /** For Node before 22: the `WebSocket` of `ws`. */
  readonly WebSocket?: WebSocketConstructor | undefined;
  readonly fetch?: typeof globalThis.fetch | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: (() => number) | undefined;
  readonly warn?: ((problem: unknown) => void) | undefined;
}

export type SessionView<State> = Omit<ClientView, 'state'> & { readonly state: State };

export interface LiveSession<State, Command extends AnyNamed> {
  readonly sessionId: string;
  readonly clientId: string;
  /**
   * Asks for something. The view has it at once; it is kept on this device until Postgres has it. Throws a TypeError with one
   * sentence when the data is not what the session kind takes.
   */
  send<Type extends Command['type']>(
    type: Type,
    data: Extract<Command, { readonly type: Type }>['data'],
  ): void;
  view(): SessionView<State>;
  /** Calls back after every change, and once now. Returns a function that stops it. */
  subscribe(listener: (view: SessionView<State>) => void): () => void;
  /** Ends the connection; the session stays, here and on the server, and `connect` takes it up again. */
  close(): void;
  /** Ends the connection and forgets the session on this device. What is not saved yet is gone then. */
  forget(): Promise<void>;
}

export { SessionNotCreatedError } from './begin-session.ts';

/**
 * Resolves as soon as the session can be used, which may be before there is a connection, or before the service knows of it: what is
 * given until then is delivered afterwards. Rejects with SessionNotCreatedError when the service says no.
 */
export async function connect<State, Input, Command extends AnyNamed, Event extends AnyNamed>(
  options: ConnectOptions<State, Input, Command, Event>,
): Promise<LiveSession<State, Command>> {
  const storage = options.storage ?? memoryStorage();
  const kept = await storage.load();
  const known = kept && readKept(kept.session, options.session);
  const session = known?.session ?? (await begin(options, storage));
  if (kept === undefined) await storage.save(session);
  const client = new SessionClient(session, kept?.commands ?? [], {
    model: options.session,
    storage,
    WebSocket: options.WebSocket ?? globalThis.WebSocket,
    clock: options.clock ?? systemClock,
    random: options.random ?? randomFraction,
    newId,
    fetch: options.fetch,
    warn: options.warn ?? (() => {}),
    keepsCommands: options.keepsCommands,
  });
  const stopListening = listenForWake({
    woke: () => client.wake(),
    wentOffline: () => client.wentOffline(),
  });
  client.start();
  // Of a session that began elsewhere, without its input, there is no state to show before the server's first snapshot.
  const hasState = known?.hasState ?? session.snapshot.state !== null;
  if (!hasState)
    await firstState(client).catch(async (error: unknown) => {
      stopListening();
      // Commands that were kept stay for the page that can deliver them.
      if (kept === undefined) await storage.clear();
      throw error;
    });
  const close = (): void => {
    stopListening();
    client.close();
    options.hold?.release();
  };
  void options.hold?.lost.then(() => {
    stopListening();
    client.close('taken-over');
  });
  return {
    get sessionId() {
      return client.sessionId;
    },
    clientId: session.clientId,
    send: (type, data) => {
      const parsed = options.session.parseCommand(type, data);
      if (!parsed.ok) throw new TypeError(`${type}: ${parsed.problem}`);
      // Once it is in the outbox it would be sent again and again, and end every connection.
      const fault = sizeFault(data, defaultLimits);
      if (fault !== undefined) throw new TypeError(`${type}: ${fault}`);
      client.send(type, data);
    },
    view: () => asView<State>(client.view()),
    subscribe: (listener) => client.subscribe((view) => listener(asView<State>(view))),
    close,
    forget: () => {
      close();
      return storage.clear();
    },
  };
}

function firstState(client: SessionClient): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = client.subscribe(({ receipt, stopReason }) => {
      if (receipt === undefined && stopReason === undefined) return;
      queueMicrotask(() => stop());
      if (receipt !== undefined) resolve();
      else reject(new Error(`The session cannot be taken up: ${stopReason}.`));
    });
  });
}

/** The client folds with the very model the caller gave, so the state is of its type. */
const asView = <State>(view: ClientView): SessionView<State> => view as SessionView<State>;

/**
 * Begins a session that is new here, or one that another page or device began. A service that is out of reach is asked until it has
 * the session, from here on by the connection; one that says no is told at once.
 */
async function begin<State, Input, Command extends AnyNamed, Event extends AnyNamed>(
  options: ConnectOptions<State, Input, Command, Event>,
  storage: SessionStorage,
): Promise<StoredSession> {
  const { session: model, input, resumeUrl, url } = options;
  const { kind, version } = model;
  const blank = { kind, version, offset: 0, writers: [], state: null };
  const place = { incarnation: newId(), accepted: 0, checkpointed: 0, input };
  if (resumeUrl !== undefined) {
    const snapshot = input === undefined ? blank : genesis(model, input);
    return { ...place, ...readResumeUrl(resumeUrl), snapshot };
  }
  if (url === undefined)
    throw new TypeError('A session begins with a url, or goes on with a resumeUrl.');
  const parsed = model.parseInput(input);
  if (!parsed.ok) throw new SessionNotCreatedError('bad-request', `input: ${parsed.problem}`, 400);
  const { clientId = newId() } = options;
  const [key, snapshot] = [newId(), genesis(model, parsed.value)];
  const sessionId = await keyedId(key, { kind, clientId, input });
  const session = { ...place, sessionId, clientId, url, key, token: '', snapshot };
  // First, so that a page that goes before the answer comes begins no other one.
  await storage.save(session);
  try {
    const { clock = systemClock, fetch } = options;
    return { ...session, ...(await promptly(clock, askForSession(session, kind, fetch))) };
  } catch (error) {
    if (error instanceof SessionNotCreatedError && isPassing(error)) return session;
    await storage.clear();
    throw error;
  }
}

function randomFraction(): number {
  const [word = 0] = crypto.getRandomValues(new Uint32Array(1));
  return word / 4_294_967_296;
}
