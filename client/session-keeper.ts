/** Brings what this device knows of a session into its storage, the token first of all. */
import type { AnyModel } from '../shared/session/session-model.ts';
import { askForSession, closeCodeOf } from './begin-session.ts';
import type { Outbox } from './outbox.ts';
import type { Replica } from './replica.ts';
import type { SessionStorage, StoredSession } from './session-storage.ts';

export interface SessionKeeperParts {
  readonly storage: SessionStorage;
  readonly warn: (problem: unknown) => void;
  readonly model: Pick<AnyModel, 'kind'>;
  readonly fetch?: typeof globalThis.fetch | undefined;
}

type Identity = Pick<StoredSession, 'sessionId' | 'clientId' | 'url' | 'input' | 'origin' | 'key'>;

export class SessionKeeper {
  #identity: Identity;
  readonly #parts: SessionKeeperParts;
  /** The newest token the storage has. */
  #keptToken: string;
  /** The newest token there is. */
  #newestToken: string;
  /** The incarnation, and when the storage has come to know it. */
  #life: { readonly incarnation: string; readonly known: Promise<void> };

  constructor(
    session: Identity & Pick<StoredSession, 'token' | 'incarnation'>,
    parts: SessionKeeperParts,
  ) {
    const { sessionId, clientId, url, input, origin, key, token, incarnation } = session;
    this.#life = { incarnation, known: Promise.resolve() };
    this.#identity = { sessionId, clientId, url, input, origin, key };
    this.#parts = parts;
    this.#keptToken = this.#newestToken = token;
  }

  get identity(): Identity {
    return this.#identity;
  }

  /**
   * While the service does not know the session: asks it for it. Resolves when it has it, or with the code to end the connection with.
   * Nothing is kept until it has welcomed: a page loaded before that asks once more, and is told the same. [R13]
   */
  begin(): Promise<number | undefined> | undefined {
    const { model, fetch } = this.#parts;
    if (this.#identity.key === undefined) return undefined;
    return askForSession(this.#identity, model.kind, fetch).then(({ token, ...begun }) => {
      // An earlier request was answered late, and perhaps the next token came meanwhile.
      if (this.#identity.key === undefined) return undefined;
      this.#identity = { ...this.#identity, ...begun };
      this.#keptToken = this.#newestToken = token;
      return undefined;
    }, closeCodeOf);
  }

  /** The one to prove: should the page go now, the next one has it. [A6] */
  get token(): string {
    return this.#keptToken;
  }

  /** Resolves when the storage knows the incarnation, or cannot be told: before that, a page loaded anew would take another one. */
  get lifeKnown(): Promise<void> {
    return this.#life.known;
  }

  renew(token: string): void {
    this.#newestToken = token;
  }

  keep(outbox: Outbox, replica: Replica): void {
    const { incarnation, accepted, checkpointed, forgottenCount } = outbox;
    const { epoch, confirmed: snapshot, witness } = replica;
    const { storage, warn } = this.#parts;
    const { sessionId, clientId, url, input, origin, key } = this.#identity;
    const token = this.#newestToken;
    // A whole literal: with a spread in it this object, made for each frame that comes, took a tenth of a client's time.
    const session = {
      sessionId,
      clientId,
      url,
      input,
      origin,
      key,
      token,
      incarnation,
      accepted,
      checkpointed,
      forgottenCount,
      epoch,
      snapshot,
      witness,
    };
    const done = storage.save(session).then(() => {
      this.#keptToken = token;
    }, warn);
    if (incarnation !== this.#life.incarnation) this.#life = { incarnation, known: done };
  }
}
