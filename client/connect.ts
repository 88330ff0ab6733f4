/** The public door of the client: take a session up again, or begin one, and never think of the connection. */
import * as v from 'valibot';

import { systemClock, type Clock } from '../shared/clock.ts';
import { sizeFault } from '../shared/protocol/command-size.ts';
import { idSchema } from '../shared/protocol/frames.ts';
import { defaultLimits } from '../shared/protocol/limits.ts';
import { genesis } from '../shared/session/fold.ts';
import type { AnyNamed, SessionModel } from '../shared/session/session-model.ts';
import { readKept } from './kept-session.ts';
import type { WebSocketConstructor } from './link.ts';
import { SessionClient } from './session-client.ts';
import { memoryStorage, type SessionStorage, type StoredSession } from './session-storage.ts';
import type { ClientView } from './status.ts';
import type { TabHold } from './tab-hold.ts';
import { listenForWake } from './wake-signals.ts';

export interface ConnectOptions<State, Input, Command extends AnyNamed, Event extends AnyNamed> {
  /** Where the service is, for example `https://ride.example`. Needed to begin a session. */
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

/** The service did not begin a session; `code` is the stable code of its answer, or `unreachable`. */
export class SessionNotCreatedError extends Error {
  override readonly name = 'SessionNotCreatedError';
  readonly code: string;
  constructor(code: string, sentence: string, cause?: unknown) {
    super(sentence, { cause });
    this.code = code;
  }
}

/** Resolves as soon as the session can be used, which may be before there is a connection. */
export async function connect<State, Input, Command extends AnyNamed, Event extends AnyNamed>(
  options: ConnectOptions<State, Input, Command, Event>,
): Promise<LiveSession<State, Command>> {
  const storage = options.storage ?? memoryStorage();
  const kept = await storage.load();
  const known = kept && readKept(kept.session, options.session);
  const session = known?.session ?? (await begin(options));
  if (kept === undefined) await storage.save(session);
  const client = new SessionClient(session, kept?.commands ?? [], {
    model: options.session,
    storage,
    WebSocket: options.WebSocket ?? globalThis.WebSocket,
    clock: options.clock ?? systemClock,
    random: options.random ?? randomFraction,
    newId,
    warn: options.warn ?? (() => {}),
    keepsCommands: options.keepsCommands,
  });
  const stopListening = listenForWake({
    woke: () => client.wake(),
    wentOffline: () => client.wentOffline(),
  });
  client.start();
  // Without an input there is no state to show before the server's first snapshot.
  const hasState = known?.hasState ?? options.input !== undefined;
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
    sessionId: session.sessionId,
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

const created = v.object({
  session_id: idSchema,
  client_id: idSchema,
  resume_url: v.string(),
  origin: v.optional(v.string()),
});

async function begin<State, Input, Command extends AnyNamed, Event extends AnyNamed>(
  options: ConnectOptions<State, Input, Command, Event>,
): Promise<StoredSession> {
  const { session: model, input } = options;
  const { resume_url: resumeUrl, origin } =
    options.resumeUrl === undefined
      ? await create(options)
      : { resume_url: options.resumeUrl, origin: undefined };
  const { origin: host, pathname, hash } = new URL(resumeUrl);
  const [, sessionId, clientId] = /\/v1\/sessions\/([^/]+)\/clients\/([^/]+)$/.exec(pathname) ?? [];
  if (sessionId === undefined || clientId === undefined)
    throw new TypeError('That is not the resume_url of a session.');
  return {
    sessionId,
    clientId,
    url: `${host}${pathname}`,
    token: hash.slice(1),
    incarnation: newId(),
    accepted: 0,
    checkpointed: 0,
    input,
    origin,
    snapshot:
      input === undefined
        ? { kind: model.kind, version: model.version, offset: 0, writers: [], state: null }
        : genesis(model, input),
  };
}

async function create<State, Input, Command extends AnyNamed, Event extends AnyNamed>({
  url,
  session: { kind },
  input,
  clientId,
  fetch = globalThis.fetch,
}: ConnectOptions<State, Input, Command, Event>): Promise<v.InferOutput<typeof created>> {
  if (url === undefined)
    throw new TypeError('A session begins with a url, or goes on with a resumeUrl.');
  const request = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ kind, input, client_id: clientId }),
  };
  const response = await fetch(new URL('/v1/sessions', url), request).catch((cause: unknown) => {
    throw new SessionNotCreatedError('unreachable', 'The service cannot be reached.', cause);
  });
  const body: unknown = await response.json().catch(() => ({}));
  if (response.ok) return v.parse(created, body);
  const problem = v.safeParse(v.object({ code: v.string(), title: v.string() }), body);
  const { code, title } = problem.success
    ? problem.output
    : { code: 'internal', title: `The service answered ${response.status}.` };
  throw new SessionNotCreatedError(code, title);
}

/** 128 random bits as 22 characters, safe in a path. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

function randomFraction(): number {
  const [word = 0] = crypto.getRandomValues(new Uint32Array(1));
  return word / 4_294_967_296;
}
