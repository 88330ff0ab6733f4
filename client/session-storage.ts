/** Where a device keeps a session, so that a refresh or a crash of the page loses nothing. */
import type { Snapshot, WireCommand, Witness } from '../shared/protocol/frames.ts';

/** All about a session but its commands. */
export interface StoredSession {
  readonly sessionId: string;
  readonly clientId: string;
  /** Without the fragment; the service's own while it does not know the session. */
  readonly url: string;
  readonly token: string;
  /** What the service is asked for the session by, until it has answered; secret. [R13] */
  readonly key?: string | undefined;
  readonly incarnation: string;
  readonly accepted: number;
  readonly checkpointed: number;
  /** Commands up to this seq are not kept any more; 0 when absent. Saving it removes them, and those of former incarnations. [L1] */
  readonly forgottenCount?: number | undefined;
  readonly epoch?: string | undefined;
  readonly witness?: Witness | undefined;
  /** What the session began with, when it began here: the server asks for it should its stores have lost everything. [R12] */
  readonly input?: unknown;
  /** The service's signature over it. */
  readonly origin?: string | undefined;
  readonly snapshot: Snapshot;
}

export interface SessionStorage {
  load(): Promise<
    { readonly session: StoredSession; readonly commands: readonly WireCommand[] } | undefined
  >;
  save(session: StoredSession): Promise<void>;
  /** Adds commands of the incarnation; the first has that seq. Resolves when they are kept. */
  addCommands(incarnation: string, seq: number, commands: readonly WireCommand[]): Promise<void>;
  clear(): Promise<void>;
  /** Calls back when everything kept is gone, thrown away by the browser or by a person; what is kept from then on stays again. */
  readonly onLost?: ((lost: () => void) => void) | undefined;
}

/** For Node, tests, and browsers whose storage is closed: survives a reconnect, not a refresh. */
export function memoryStorage(): SessionStorage {
  let session: StoredSession | undefined;
  const commands = new Map<string, WireCommand[]>();
  const forgotten = (): number => session?.forgottenCount ?? 0;
  return {
    load: () =>
      Promise.resolve(
        session === undefined
          ? undefined
          : { session, commands: [...(commands.get(session.incarnation) ?? [])] },
      ),
    save: (next) => {
      const formerly = forgotten();
      session = next;
      if (forgotten() > formerly) {
        const kept = commands.get(next.incarnation)?.slice(forgotten() - formerly) ?? [];
        commands.clear();
        commands.set(next.incarnation, kept);
      }
      return Promise.resolve();
    },
    addCommands: (incarnation, seq, added) => {
      const kept = commands.get(incarnation) ?? [];
      const place = seq - 1 - (session?.incarnation === incarnation ? forgotten() : 0);
      if (place > kept.length) return Promise.reject(new Error('Commands are kept in order.'));
      kept.splice(place, added.length, ...added);
      commands.set(incarnation, kept);
      return Promise.resolve();
    },
    clear: () => {
      session = undefined;
      commands.clear();
      return Promise.resolve();
    },
  };
}
